"""The worker on a real bus: each article once, whatever happens to its incarnations."""

import random
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest
import redis.asyncio
from msgspec import structs
from redis.exceptions import ResponseError

from services.sentiment.config import Scoring
from services.sentiment.tally import Tally
from services.sentiment.workers import score
from services.shared import consumer_group

NOW = 1_700_000_000.0
ARTICLES = "intel:articles"
GROUP = "sentiment"

WORDS = ("great", "terrible", "profit", "loss", "record", "fear", "growth", "fraud", "strong", "weak", "Tuesday")


def half_life(seconds):
    return {"scoring": Scoring(half_life=seconds)}


class Model:
    """The naive model: all articles are kept, and weighed when asked."""

    def __init__(self, lexicon, half_life):
        self._lexicon = lexicon
        self._half_life = half_life
        self.articles = []

    def add(self, title, symbols, at):
        self.articles.append((self._lexicon.score(f"{title}. "), symbols, at))

    def symbol(self, name):
        held = [(score, at) for score, symbols, at in self.articles if name in symbols]
        newest = max(at for _, at in held)
        weights = [2 ** ((at - newest) / self._half_life) for _, at in held]
        mean = sum(weight * score for weight, (score, _) in zip(weights, held, strict=True)) / sum(weights)
        return {"score": mean, "weight": sum(weights), "at": newest}


def near(expected):
    """As exact as sums of doubles in two orders can be; one article of a thousand weighs a million times more."""
    return pytest.approx(expected, rel=1e-11, abs=1e-11)


def feed(intel, model, count, seed):
    """Publish so many articles, out of order, on up to three of four symbols."""
    dice = random.Random(seed)
    for n in range(len(model.articles), len(model.articles) + count):
        title = " ".join(dice.choices(WORDS, k=6))
        symbols, at = dice.sample("ABCD", dice.randrange(4)), NOW + dice.randrange(3_600)
        model.add(title, symbols, at)
        intel.publish(title, symbols, at, id=str(n))


def check(intel, model):
    """Each article was published once, and the aggregates are those of the model."""
    assert sorted(int(score["article"]) for score in intel.scores()) == list(range(len(model.articles)))
    for name in "ABCD":
        assert intel.symbol(name) == near(model.symbol(name))


# ------------------------------------------------------------------------------------------------ one article


async def test_an_article_is_published_with_its_score_and_counted_in_for_its_symbols(scorers, intel, lexicon):
    intel.publish("Great profit", ["AAPL", "X:BTCUSD"], summary="A record.", id="n1")
    await scorers.settle()
    expected = lexicon.score("Great profit. A record.")
    assert intel.scores() == [{"article": "n1", "symbols": ["AAPL", "X:BTCUSD"], "score": expected, "at": NOW}]
    assert intel.symbol("AAPL") == intel.symbol("X:BTCUSD") == {"score": expected, "weight": 1, "at": NOW}
    assert expected > 0
    assert scorers.tally == Tally(scored=1)


async def test_an_article_without_symbols_is_published_and_counted_in_nowhere(scorers, intel, raw):
    intel.publish("Great profit", id="n1")
    await scorers.settle()
    assert [(score["article"], score["symbols"]) for score in intel.scores()] == [("n1", [])]
    assert raw.keys("sentiment:symbol:*") == []


async def test_the_channel_says_each_symbol_whose_aggregate_has_changed_when_it_has(scorers, intel, raw, until):
    heard = []
    with raw.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe("sentiment:updated")
        channel.get_message(timeout=1)
        intel.publish("Great profit", ["A", "B"])
        intel.publish("Terrible loss", ["B"])
        await scorers.settle()

        def all_heard():
            if message := channel.get_message():
                heard.append(message["data"])
            return len(heard) == 3

        await until(all_heard)
        assert channel.get_message(timeout=0.05) is None
    assert heard == [b"A", b"B", b"B"]


async def test_its_loop_turns_while_there_are_no_articles(scorers, until, monkeypatch):
    monkeypatch.setattr(consumer_group, "BLOCK", 50)
    async with anyio.create_task_group() as group:
        scope = await scorers.start(group)
        await until(lambda: scorers.tally.turns > 3)
        scope.cancel()
    assert scorers.tally.scored == 0


# ------------------------------------------------------------------------------------------------ the decay


async def test_after_one_half_life_an_article_weighs_half_and_after_ten_next_to_nothing(scorers, intel, lexicon):
    good, bad = lexicon.score("Great profit. "), lexicon.score("Terrible loss. ")
    intel.publish("Great profit", ["A", "B"], NOW)
    intel.publish("Terrible loss", ["A"], NOW + 100)
    intel.publish("Terrible loss", ["B"], NOW + 1_000)
    await scorers.settle(**half_life(100))
    assert intel.symbol("A") == near({"score": (0.5 * good + bad) / 1.5, "weight": 1.5, "at": NOW + 100})
    assert intel.symbol("B") == near({"score": (good / 1_024 + bad) / (1 + 1 / 1_024), "weight": 1 + 1 / 1_024, "at": NOW + 1_000})  # fmt: skip


async def test_the_order_in_which_articles_come_changes_nothing(scorers, intel):
    news = [("Great profit", 0), ("Terrible loss", 50), ("Strong growth", 130), ("Fraud", -40)]
    for symbol, order in (("A", news), ("B", news[::-1]), ("C", news[2:] + news[:2])):
        for title, offset in order:
            intel.publish(title, [symbol], NOW + offset)
    await scorers.settle(**half_life(100))
    assert intel.symbol("A") == near(intel.symbol("B"))
    assert intel.symbol("A") == near(intel.symbol("C"))


async def test_articles_so_old_that_they_weigh_nothing_leave_the_aggregate_as_it_is(scorers, intel, lexicon):
    intel.publish("Terrible loss", ["A"], -1e300)
    intel.publish("Great profit", ["A"], NOW)
    intel.publish("Terrible loss", ["A"], NOW - 1e9)
    await scorers.settle(**half_life(1.0))
    assert intel.symbol("A") == {"score": lexicon.score("Great profit. "), "weight": 1, "at": NOW}


async def test_numbers_are_kept_to_the_last_bit(scorers, intel, lexicon):
    for n in range(3):
        intel.publish(WORDS[n], ["A"], NOW + 0.1234567 * n)
    await scorers.settle(**half_life(0.3))
    weight, newest = 1.0, NOW
    for n in (1, 2):
        at = NOW + 0.1234567 * n
        weight, newest = weight * 2 ** ((newest - at) / 0.3) + 1, at
    assert intel.symbol("A")["at"] == newest
    assert intel.symbol("A")["weight"] == pytest.approx(weight, rel=5e-16)


async def test_a_replay_of_the_stream_gives_the_same_numbers_to_the_last_bit(scorers, intel, raw, lexicon):
    feed(intel, Model(lexicon, 3_600), 200, seed=5)
    written = []
    for _ in range(2):
        await scorers.settle()
        written.append([raw.hgetall(f"sentiment:symbol:{name}") for name in "ABCD"] + intel.scores())
        raw.delete("sentiment:scores", *(f"sentiment:symbol:{name}" for name in "ABCD"))
        raw.xgroup_setid(ARTICLES, GROUP, "0", entries_read=0)
    assert written[0] == written[1]
    assert len(written[0]) == 204


# ------------------------------------------------------------------------------------------------ neither lost nor doubled


async def test_a_thousand_articles_and_a_worker_cancelled_fifty_times_at_random_agree_with_the_naive_model(
    scorers, intel, lexicon
):
    dice, model = random.Random(2), Model(lexicon, 3_600)
    async with anyio.create_task_group() as group:
        for n in range(50):
            feed(intel, model, 20, seed=n)
            scope = await scorers.start(group)
            await anyio.sleep(dice.random() * 0.01)
            scope.cancel()
    await scorers.settle()
    check(intel, model)
    assert len(model.articles) == 1_000


PROCESS = """
import sys, anyio, msgspec
from services.sentiment.config import Sentiment
from services.sentiment.lexicon import Lexicon
from services.sentiment.tally import Tally
from services.sentiment.workers import score
config = msgspec.json.decode(sys.stdin.buffer.read(), type=Sentiment)
anyio.run(lambda: score.run(config, Lexicon(), Tally(), task_status=anyio.TASK_STATUS_IGNORED))
"""


async def test_a_thousand_articles_and_a_process_killed_four_times_agree_with_the_naive_model(
    scorers, intel, lexicon, raw, until
):
    model = Model(lexicon, 3_600)
    feed(intel, model, 1_000, seed=3)
    kills = 0
    for published in (1, 150, 300, 450):
        with subprocess.Popen([sys.executable, "-c", PROCESS], stdin=subprocess.PIPE) as process:
            process.stdin.write(msgspec.json.encode(scorers.config))
            process.stdin.close()
            await until(lambda published=published: raw.xlen("sentiment:scores") >= published, 20)
            process.kill()
        kills += process.returncode == -signal.SIGKILL
    before = raw.xlen("sentiment:scores")
    await scorers.settle()
    check(intel, model)
    assert kills == 4
    assert before < 1_000


@asynccontextmanager
async def two_incarnations(config, lexicon):
    client = redis.asyncio.Redis.from_url(config.buses.intel)
    await consumer_group.join(client, ARTICLES, GROUP)
    yield [score._Scorer(config, lexicon, Tally(), client) for _ in range(2)]
    await client.aclose()


async def test_a_batch_whose_script_runs_late_and_twice_counts_once(sentiment, lexicon, intel):
    intel.publish("Great profit", ["A"])
    async with two_incarnations(sentiment, lexicon) as (former, latter):
        entries, _ = await former.reader.read_new()
        await former._settle(entries)
        await latter._settle(entries)
    assert intel.symbol("A")["weight"] == 1
    assert len(intel.scores()) == 1
    assert (former._tally.scored, latter._tally.scored) == (1, 0)


async def test_of_a_batch_that_was_settled_in_part_the_rest_is_settled(sentiment, lexicon, intel):
    for n in range(3):
        intel.publish("Great profit", ["A"], id=str(n))
    async with two_incarnations(sentiment, lexicon) as (former, latter):
        entries, _ = await former.reader.read_new()
        await former._settle(entries[1:2])
        await latter._settle(entries)
    assert [score["article"] for score in intel.scores()] == ["1", "0", "2"]
    assert intel.symbol("A")["weight"] == 3


FIRST_WRITES = ["sentiment:scores", "sentiment:symbol:A"]


@pytest.mark.parametrize("key", FIRST_WRITES)
async def test_a_settlement_that_fails_has_changed_nothing_and_is_made_up_for(scorers, intel, raw, key):
    raw.set(key, "in the way")
    intel.publish("Great profit", ["B", "A"])
    with pytest.RaisesGroup(ResponseError, allow_unwrapped=True, flatten_subgroups=True):
        await scorers.settle()
    assert intel.symbol("B") == {}
    raw.delete(key)
    await scorers.settle()
    assert intel.symbol("A") == intel.symbol("B")
    assert intel.symbol("A")["weight"] == 1
    assert len(intel.scores()) == 1


async def test_entries_that_were_given_to_a_dead_connection_are_settled_by_the_living(scorers, intel, raw, until):
    async with anyio.create_task_group() as group:
        scope = await scorers.start(group)
        with raw.pipeline(transaction=True) as taken_away:
            intel.publish("Great profit", ["A"], client=taken_away)
            taken_away.xreadgroup(GROUP, score.CONSUMER, {ARTICLES: ">"})
            _, given = taken_away.execute()
        assert given
        intel.publish("Great profit", ["A"])
        await until(lambda: intel.symbol("A").get("weight") == 2)
        scope.cancel()
    assert intel.is_settled()


async def test_what_a_former_incarnation_was_given_is_settled_before_what_is_new(scorers, intel, raw):
    raw.xgroup_create(ARTICLES, GROUP, id="0", mkstream=True)
    intel.publish("Great profit", id="given")
    raw.xreadgroup(GROUP, score.CONSUMER, {ARTICLES: ">"})
    intel.publish("Great profit", id="new")
    await scorers.settle()
    assert [score["article"] for score in intel.scores()] == ["given", "new"]


async def test_a_group_that_is_made_again_scores_nothing_twice_and_leaves_nothing_out(scorers, intel, raw):
    intel.publish("Great profit", ["A"], id="one")
    raw.xadd(ARTICLES, {"article": "{oops"})
    await scorers.settle()
    raw.xgroup_destroy(ARTICLES, GROUP)
    intel.publish("Great profit", ["A"], id="two")
    await scorers.settle()
    assert [score["article"] for score in intel.scores()] == ["one", "two"]
    assert len(intel.rejected()) == 1


async def test_entries_that_a_consumer_of_another_name_left_behind_are_taken_over(scorers, intel, raw, monkeypatch):
    monkeypatch.setattr(consumer_group, "CLAIM_AFTER", 0)
    raw.xgroup_create(ARTICLES, GROUP, id="0", mkstream=True)
    intel.publish("Great profit", ["A"])
    raw.xreadgroup(GROUP, "renamed", {ARTICLES: ">"})
    await scorers.settle()
    assert intel.symbol("A")["weight"] == 1


async def test_entries_that_the_limit_cut_off_are_counted_whether_read_before_or_not(scorers, intel, raw):
    raw.xgroup_create(ARTICLES, GROUP, id="0", mkstream=True)
    for n in range(10):
        intel.publish("Great profit", ["A"], id=str(n))
    raw.xreadgroup(GROUP, score.CONSUMER, {ARTICLES: ">"}, count=3)
    raw.xtrim(ARTICLES, maxlen=2, approximate=False)
    await scorers.settle()
    assert (scorers.tally.lost, scorers.tally.scored) == (8, 2)
    assert intel.symbol("A")["weight"] == 2


# ------------------------------------------------------------------------------------------------ poison


async def test_a_poison_entry_is_rejected_with_its_reason_and_the_others_are_scored(scorers, intel, raw):
    intel.publish("Great profit", ["A"], id="before")
    poison = raw.xadd(ARTICLES, {"article": b'{"id": \xff'})
    raw.xadd(ARTICLES, {"something": "else"})
    intel.publish("Great profit", ["A"], id="after")
    await scorers.settle()
    assert [score["article"] for score in intel.scores()] == ["before", "after"]
    first, second = intel.rejected()
    assert (first[b"id"], first[b"excerpt"]) == (poison, '{"id": �'.encode())
    assert first[b"reason"]
    assert (second[b"reason"], second[b"excerpt"]) == (b"an entry without article", b"something")
    assert (scorers.tally.scored, scorers.tally.rejected) == (2, 2)


async def test_of_a_poison_entry_an_excerpt_is_kept_and_of_many_the_newest(scorers, intel, raw):
    for n in range(500):
        raw.xadd(ARTICLES, {"article": f"{n} {'x' * 10_000}"})
    await scorers.settle(rejected_maxlen=10)
    kept = intel.rejected()
    assert 10 <= len(kept) < 200
    assert kept[-1][b"excerpt"] == f"499 {'x' * 496}".encode()


async def test_of_many_scores_the_newest_are_kept(scorers, intel):
    for n in range(500):
        intel.publish("Great profit", id=str(n))
    await scorers.settle(scores_maxlen=10)
    kept = intel.scores()
    assert 10 <= len(kept) < 200
    assert kept[-1]["article"] == "499"


# ------------------------------------------------------------------------------------------------ the loop


async def test_the_event_loop_turns_between_two_texts(sentiment, intel, lexicon):
    class Watched:
        turn = 0
        turns = ()

        def score(self, text):
            self.turns += (self.turn,)
            return lexicon.score(text)

    watched = Watched()

    async def others():
        while True:
            await anyio.lowlevel.checkpoint()
            watched.turn += 1

    for n in range(5):
        intel.publish("Great profit", id=str(n))
    async with two_incarnations(sentiment, watched) as (scorer, _), anyio.create_task_group() as tasks:
        entries, _ = await scorer.reader.read_new()
        tasks.start_soon(others)
        await scorer._settle(entries)
        tasks.cancel_scope.cancel()
    assert len(set(watched.turns[1:])) == 4  # the first one comes before the others have begun


async def test_a_stop_while_it_waits_for_articles_takes_effect_at_once(scorers, raw, until):
    async with anyio.create_task_group() as group:
        scope = await scorers.start(group)
        await until(lambda: any(client["cmd"] == "xreadgroup" for client in raw.client_list()))
        with anyio.fail_after(consumer_group.BLOCK / 2_000):
            scope.cancel()
            await until(lambda: len(raw.client_list()) == 1)


async def test_the_text_limit_of_the_configuration_is_that_of_the_worker(scorers, intel, lexicon):
    intel.publish("Great profit", ["A"], summary="But terrible, horrible losses.")
    await scorers.settle(scoring=structs.replace(scorers.config.scoring, text_limit=14))
    assert intel.symbol("A")["score"] == lexicon.score("Great profit. ")
