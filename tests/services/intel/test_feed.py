"""One feed's worker against a real HTTP server and a real intel-redis: what it asks, publishes, raises, and survives."""

import itertools
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial

import anyio
import msgspec
import pytest
from msgspec import structs

from services.intel.config import Feed
from services.intel.errors import FeedBroken, FeedRefused, FeedThrottled, FeedTooLarge, FeedUnreachable
from services.intel.feed_store import FeedStore
from services.intel.fetch import Document
from services.intel.pipeline import Pipeline
from services.intel.workers import feed as worker

from .conftest import item, rss, wire

NINE = [item(f"title {n}", f"https://a.example/{n}", summary="about $AAPL") for n in range(9)]


def titles(desk):
    return [article["title"] for article in articles(desk)]


def articles(desk):
    return [json.loads(fields[b"article"]) for _, fields in desk.xrange("intel:articles")]


@pytest.fixture
def polling(intel, http, control):
    """One incarnation of a feed's worker, for the block."""

    @asynccontextmanager
    async def run(feed, pipeline=None, config=intel):
        async with anyio.create_task_group() as group:
            await group.start(partial(worker.run, feed, config, pipeline or Pipeline(), http, control))
            yield
            group.cancel_scope.cancel()

    return run


@pytest.fixture
def polled(polling, until):
    """Run one incarnation until it has polled once; gives what it counted."""

    async def run(feed, **options):
        pipeline = Pipeline()
        async with polling(feed, pipeline, **options):
            await until(lambda: pipeline.counts.polls)
        return pipeline.counts

    return run


# ------------------------------------------------------------------------------------------------ what it publishes


async def test_the_articles_of_a_feed_are_on_the_stream_in_their_order(news, feed, polled, desk):
    news.serve("/feed", rss(*reversed(NINE)))
    counts = await polled(feed)
    assert titles(desk) == [f"title {n}" for n in range(9)]
    first = articles(desk)[0]
    assert first.keys() == {"id", "source", "url", "title", "summary", "symbols", "published"}
    assert (first["source"], first["symbols"], first["published"]) == ("wire", ["AAPL"], 1764064800.0)
    assert (counts.polls, counts.articles, counts.repeated) == (1, 9, 0)


async def test_the_same_article_comes_once_within_a_feed_and_over_two(news, feed, polled, desk):
    other = structs.replace(feed, id="other", url=news.url("/other"))
    news.serve("/feed", rss(item("A", "https://a.example/x"), item("a ", "http://A.example/x/?utm_source=feed")))
    news.serve("/other", rss(item("A", "https://a.example/x#top"), item("B", "https://a.example/x")))
    await polled(feed)
    counts = await polled(other)
    assert sorted(titles(desk)) == ["B", "a"]
    assert (counts.articles, counts.repeated) == (1, 1)


async def test_two_feeds_at_once_publish_what_both_have_once(news, feed, polling, desk, until):
    pipeline, both = Pipeline(), [structs.replace(feed, id=id) for id in ("one", "two")]
    news.serve("/feed", rss(*NINE))
    async with polling(both[0], pipeline), polling(both[1], pipeline):
        await until(lambda: pipeline.counts.polls == 2)
    assert sorted(titles(desk)) == [f"title {n}" for n in range(9)]
    assert (pipeline.counts.articles, pipeline.counts.repeated) == (9, 9)


async def test_new_articles_come_with_the_next_poll(news, feed, polling, desk, until):
    news.serve("/feed", rss(*NINE[:4]))
    async with polling(structs.replace(feed, every=0.05)):
        await until(lambda: desk.xlen("intel:articles") == 4)
        news.serve("/feed", rss(*NINE[2:]))
        await until(lambda: desk.xlen("intel:articles") == 9)
        await until(lambda: len(news.asked["/feed"]) > 4)
    assert Counter(titles(desk)) == {f"title {n}": 1 for n in range(9)}


async def test_an_article_is_forgotten_when_no_document_brought_it_for_long(news, feed, polled, desk, with_news):
    config = with_news(seen_for=100.0)
    news.serve("/feed", rss(*NINE))
    await polled(feed, config=config)
    desk.delete("intel:feed:wire")
    ids = desk.zrange("intel:seen", 0, -1)
    desk.zadd("intel:seen", {ids[0]: (time.time() - 101) * 1_000, ids[1]: (time.time() - 90) * 1_000})
    counts = await polled(structs.replace(feed, id="unrelated", url=news.url("/feed")), config=config)
    assert counts.repeated == 9  # brought again in time, all of them
    desk.zadd("intel:seen", {ids[0]: (time.time() - 101) * 1_000, ids[1]: (time.time() - 90) * 1_000})
    news.serve("/empty", rss())
    await polled(structs.replace(feed, id="empty", url=news.url("/empty")), config=config)
    assert set(ids) - set(desk.zrange("intel:seen", 0, -1)) == {ids[0]}


# ------------------------------------------------------------------------------------------------ what it asks


async def test_the_next_poll_asks_with_what_the_server_gave_and_304_costs_nothing(
    news, feed, polling, until, monkeypatch
):
    read = []
    reading = worker.read_articles
    monkeypatch.setattr(worker, "read_articles", lambda *args: read.append(args) or reading(*args))
    stamp = "Tue, 25 Nov 2025 10:00:00 GMT"
    news.serve("/feed", rss(*NINE), ETag='W/"v1"', Last_Modified=stamp)
    pipeline = Pipeline()
    async with polling(structs.replace(feed, every=0.05), pipeline):
        await until(lambda: pipeline.counts.unchanged == 2)
    first, second, third = news.asked["/feed"][:3]
    assert "if-none-match" not in first
    assert "if-modified-since" not in first
    for asked in (second, third):
        assert (asked["if-none-match"], asked["if-modified-since"]) == ('W/"v1"', stamp)
    assert (len(read), pipeline.counts.articles, pipeline.counts.repeated) == (1, 9, 0)


async def test_the_next_incarnation_asks_with_it_too(news, feed, polled, desk):
    news.serve("/feed", rss(*NINE), ETag='"v1"')
    seldom = structs.replace(feed, every=0.001)
    await polled(seldom)
    counts = await polled(seldom)
    assert all(asked["if-none-match"] == '"v1"' for asked in news.asked["/feed"][1:])
    assert (counts.unchanged, desk.xlen("intel:articles")) == (counts.polls, 9)


async def test_a_restart_is_no_reason_to_ask_again_before_it_is_time(news, feed, polled, polling, desk):
    news.serve("/feed", rss(*NINE))
    await polled(feed)
    async with polling(feed):
        await anyio.sleep(0.1)
    assert len(news.asked["/feed"]) == 1
    desk.hset("intel:feed:wire", "polled", repr(time.time() - 3_601))
    await polled(feed)
    assert len(news.asked["/feed"]) == 2


async def test_a_clock_that_was_set_back_delays_no_poll_by_more_than_its_interval(news, feed, polled, desk):
    news.serve("/feed", rss(*NINE))
    await polled(feed)
    desk.hset("intel:feed:wire", "polled", repr(time.time() + 1e6))
    await polled(structs.replace(feed, every=0.1))
    assert len(news.asked["/feed"]) == 2


async def test_another_address_under_the_same_id_begins_anew_and_the_address_is_not_on_the_bus(
    news, feed, polled, desk
):
    news.serve("/feed", rss(*NINE), ETag='"v1"')
    news.serve("/moved?key=canary", rss(*NINE), ETag='"v1"')
    await polled(feed)
    counts = await polled(structs.replace(feed, url=news.url("/moved?key=canary")))
    assert "if-none-match" not in news.asked["/moved?key=canary"][0]
    assert counts.repeated == 9
    assert b"canary" not in b"".join(desk.hvals("intel:feed:wire"))


async def test_we_say_who_we_are_and_follow_redirects(news, feed, polled, desk):
    news.serve("/feed", status=302, Location="/elsewhere")
    news.serve("/elsewhere", rss(item("t", "/relative")))
    await polled(feed)
    assert articles(desk)[0]["url"] == news.url("/relative")
    assert news.asked["/elsewhere"][0]["user-agent"] == "test/1.0"


# ------------------------------------------------------------------------------------------------ how it fails


async def ending(polling, feed):
    """What one incarnation raises."""
    try:
        async with polling(feed):
            await anyio.sleep(5)
    except ExceptionGroup as group:
        (error,) = group.exceptions
        return error
    return None


@pytest.mark.parametrize(
    "answer",
    [
        (401, FeedRefused),
        (403, FeedRefused),
        (404, FeedBroken),
        (410, FeedBroken),
        (204, FeedBroken),
        (304, FeedBroken),
        (408, FeedUnreachable),
        (429, FeedThrottled),
        (500, FeedUnreachable),
        (503, FeedUnreachable),
    ],
    ids=lambda answer: str(answer[0]),
)
async def test_each_status_is_a_failure_with_a_name(news, feed, polling, desk, answer):
    status, kind = answer
    news.serve("/feed", b"" if status in {204, 304} else rss(*NINE), status=status)
    error = await ending(polling, feed)
    assert type(error) is kind
    assert str(error).startswith("feed 'wire': ")
    assert f"HTTP {status}" in str(error)
    assert getattr(error, "status", status) == status
    assert desk.keys("intel:*") == []


async def test_a_server_that_is_not_there_is_unreachable(feed, polling):
    error = await ending(polling, structs.replace(feed, url="http://127.0.0.1:1/feed"))
    assert type(error) is FeedUnreachable
    assert error.status is None


async def test_so_is_one_that_does_not_answer_in_time(news, feed, polling):
    news.before_reply = lambda _: anyio.sleep(30)
    error = await ending(polling, structs.replace(feed, timeout=0.1))
    assert type(error) is FeedUnreachable
    assert "not whole within 0.1 s" in str(error)


async def test_and_one_that_hangs_up_in_the_middle(news, feed, polling):
    news.serve("/feed", rss(*NINE), Content_Length="100000")
    assert type(await ending(polling, feed)) is FeedUnreachable


async def test_a_document_over_the_limit_is_not_taken(news, feed, polling, desk):
    news.serve("/feed", rss(*NINE))
    error = await ending(polling, structs.replace(feed, size_limit=100))
    assert type(error) is FeedTooLarge
    assert error.limit == 100
    assert desk.keys("intel:*") == []


async def test_redirects_without_end_are_a_broken_feed(news, feed, polling):
    news.serve("/feed", status=302, Location="/feed")
    assert type(await ending(polling, feed)) is FeedBroken


async def test_a_page_instead_of_a_feed_is_a_broken_feed_and_nothing_is_kept_of_it(news, feed, polling, desk, polled):
    news.serve("/feed", b"<html>maintenance</html>", ETag='"page"', Content_Type="text/html")
    assert type(await ending(polling, feed)) is FeedBroken
    news.serve("/feed", rss(*NINE), ETag='"feed"')
    await polled(feed)
    assert "if-none-match" not in news.asked["/feed"][-1]
    assert desk.xlen("intel:articles") == 9


async def test_reading_that_takes_too_long_is_a_broken_feed(news, feed, polling, monkeypatch):
    monkeypatch.setattr(worker, "read_articles", lambda *_: time.sleep(0.5))
    news.serve("/feed", rss(*NINE))
    error = await ending(polling, structs.replace(feed, timeout=0.2))
    assert type(error) is FeedBroken
    assert "reading it takes more than 0.2 s" in str(error)


# ------------------------------------------------------------------------------------------------ what it survives


class Killed(Exception):
    """Stands for whatever ends a worker."""


def dies_before(monkeypatch, owner, name):
    async def step(*args, **options):
        raise Killed

    monkeypatch.setattr(owner, name, step)


def dies_after(monkeypatch, owner, name):
    original = getattr(owner, name)

    async def step(*args, **options):
        await original(*args, **options)
        raise Killed

    monkeypatch.setattr(owner, name, step)


STEPS = ((worker, "fetch"), (worker._Poller, "_read"), (FeedStore, "publish"))


@pytest.mark.parametrize(
    "death",
    list(itertools.product((dies_before, dies_after), STEPS)),
    ids=lambda death: f"{death[0].__name__} {death[1][1]}",
)
async def test_a_worker_that_dies_at_any_step_loses_and_doubles_nothing(news, polling, polled, desk, death):
    (dies, step), feed = death, wire(news, every=0.001)
    news.serve("/feed", rss(*NINE), ETag='"v1"')
    with pytest.MonkeyPatch.context() as monkeypatch:
        dies(monkeypatch, *step)
        assert isinstance(await ending(polling, feed), Killed)
    done = dies is dies_after and step[1] == "publish"
    assert desk.xlen("intel:articles") == (9 if done else 0)
    already = len(news.asked["/feed"])
    counts = await polled(feed)
    assert (counts.articles, counts.repeated) == (0 if done else 9, 0)
    assert news.asked["/feed"][already].get("if-none-match") == ('"v1"' if done else None)
    assert Counter(titles(desk)) == {f"title {n}": 1 for n in range(9)}


async def test_eighty_cancellations_at_random_moments_lose_and_double_nothing(news, feed, polling, polled, desk):
    dice, feed = random.Random(5), structs.replace(feed, every=0.001)
    items = []
    for n in range(80):
        items = [*items[-20:], *(item(f"title {n}-{m}", f"https://a.example/{n}") for m in range(3))]
        news.serve("/feed", rss(*items), ETag=f'"{n}"')
        async with polling(feed):
            await anyio.sleep(dice.random() * 0.03)
        if n % 4 == 3:  # a feed lists an article for a while: what was cancelled is made up for in time
            await polled(feed)
    await polled(feed)
    assert Counter(titles(desk)) == {f"title {n}-{m}": 1 for n in range(80) for m in range(3)}


async def test_a_script_that_runs_late_publishes_nothing_twice(news, polled, desk, intel, control):
    feed = wire(news)
    news.serve("/feed", rss(*NINE), ETag='"v1"')
    await polled(feed)
    store = FeedStore(control, feed, intel)
    document = Document(rss(*NINE), "application/rss+xml", feed.url, (await store.load()).validators)
    late = worker.read_articles(document, feed, intel.news, time.time())
    assert await store.publish(late, document.validators) == 0
    assert desk.xlen("intel:articles") == 9


PROCESS = """
import sys, anyio, msgspec
from services.intel.config import Intel
from services.intel.shared_services import SharedServices
from services.intel.workers import feed
config = msgspec.json.decode(sys.stdin.buffer.read(), type=Intel)
async def main():
    shared = SharedServices.make(config)
    await feed.run(
        config.news.feeds[0], config, shared.pipeline, shared.http, shared.intel, task_status=anyio.TASK_STATUS_IGNORED
    )
anyio.run(main)
"""


async def test_a_process_that_is_killed_loses_and_doubles_nothing(news, polled, desk, with_news, until):
    feed = wire(news, every=0.001)
    config = with_news(feeds=(feed,))
    shown = 0

    async def grow(_):
        nonlocal shown
        shown += 1
        news.serve("/feed", rss(*(item(f"title {n}", f"https://a.example/{n}") for n in range(shown))))

    news.before_reply = grow
    for reached in (1, 40, 80):
        process = subprocess.Popen([sys.executable, "-c", PROCESS], stdin=subprocess.PIPE)
        process.stdin.write(msgspec.json.encode(config))
        process.stdin.close()
        await until(lambda reached=reached: desk.xlen("intel:articles") >= reached, 15)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    news.before_reply = None
    await polled(feed)
    assert Counter(titles(desk)) == {f"title {n}": 1 for n in range(shown)}


async def test_a_stop_takes_effect_at_once_in_a_poll_and_between_two(news, feed, polling, until):
    asked = anyio.Event()

    async def hang(_):
        asked.set()
        await anyio.sleep(30)

    news.before_reply = hang
    with anyio.fail_after(1):
        async with polling(feed):
            await asked.wait()
    with anyio.fail_after(1):
        async with polling(Feed(id="idle", url=news.url("/"), every=3_600)):
            pass


async def test_a_refusal_says_whether_the_feed_was_given_before_also_to_another_process(news, feed, polling):
    news.serve("/feed", status=403)
    assert not (await ending(polling, feed)).worked
    news.serve("/feed", rss(*NINE))
    async with polling(structs.replace(feed, every=0.01)):
        while len(news.asked["/feed"]) < 3:
            await anyio.sleep(0.01)
    news.serve("/feed", status=403)
    assert (await ending(polling, structs.replace(feed, every=0.01))).worked


@pytest.mark.parametrize("status", [408, 429, 503])
async def test_an_answer_that_asks_to_wait_tells_how_long(news, feed, polling, status):
    news.serve("/feed", status=status, Retry_After="90")
    assert (await ending(polling, feed)).retry_after == 90.0
