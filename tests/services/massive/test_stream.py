"""ws_worker against a provider that misbehaves, over real sockets: what is raised, what it lives through, how it leaves."""

import asyncio
import random
import socket
import time
from contextlib import asynccontextmanager
from http import HTTPStatus

import anyio
import msgspec
import pytest
from websockets.asyncio.server import serve

from services.massive.config import Feed
from services.massive.errors import (
    AuthFailed,
    AuthTimeout,
    ConnectRefused,
    FeedSilent,
    FrameTooLarge,
    MaxConnections,
    NotEntitled,
    ProviderClosed,
    ProviderTrouble,
    SlowConsumer,
)
from services.massive.pipeline import Pipeline
from services.massive.provider import ProviderConfig, open_provider
from services.massive.workers import stream

WANTED = ("Q.AAPL", "T.AAPL")


class Worker:
    """The worker in a task and a scope of its own, as its supervisor runs it."""

    def __init__(self, feed, pipeline=None):
        self.pipeline = pipeline or Pipeline(100_000)
        self.ready = anyio.Event()
        self.task = asyncio.create_task(self._run(feed))
        self._scope = anyio.CancelScope()

    async def _run(self, feed):
        with self._scope:
            await stream.run(feed, self.pipeline, task_status=self)

    def started(self, value=None):
        self.ready.set()

    async def up(self):
        waiting = asyncio.create_task(self.ready.wait())
        await asyncio.wait([waiting, self.task], timeout=5, return_when=asyncio.FIRST_COMPLETED)
        if not self.ready.is_set():
            waiting.cancel()
            await self.task

    async def ending(self, *kind):
        with pytest.raises(kind or Exception) as raised:
            await asyncio.wait_for(self.task, 5)
        return raised.value

    def cancel(self):
        self._scope.cancel()

    async def stop(self):
        self.cancel()
        await asyncio.wait_for(self.task, 5)


def feed_of(provider, **changes):
    return Feed(**{"url": provider.url, "api_key": "demo-key", "subscriptions": WANTED} | changes)


@asynccontextmanager
async def running(provider, pipeline=None, **changes):
    worker = Worker(feed_of(provider, **changes), pipeline)
    try:
        await worker.up()
        yield worker
    finally:
        if not worker.task.done():
            await worker.stop()


async def test_its_frames_reach_the_queue_and_none_is_lost(provider, until):
    async with running(provider) as worker:
        counts = worker.pipeline.counts
        await until(lambda: counts.events_in > 200)
        provider.trickle(0)
        await until(lambda: counts.events_in == sum(tally.count for tally in provider.sent[0].channels.values()))
        assert (counts.connects, counts.rejected) == (1, 0)
        assert len(worker.pipeline.frames) == counts.frames_in


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1012, "service restart"),
        (1013, "try again later"),
        (1001, "going away"),
        (1000, ""),
        (1008, ""),
        (1011, "internal error"),
    ],
)
async def test_each_close_is_raised_with_its_code_the_friendly_ones_too(provider, code, reason):
    async with running(provider) as worker:
        await provider.close_all(code, reason)
        ending = await worker.ending(ProviderClosed)
    assert (ending.code, ending.reason) == (code, reason)
    assert f"closed the connection: {code}" in str(ending)


async def test_a_connection_that_breaks_is_raised_as_1006(provider):
    async with running(provider) as worker:
        provider.drop_all()
        ending = await worker.ending(ProviderClosed)
    assert ending.code == 1006


async def test_an_announced_disconnect_gives_the_reason_that_the_close_lacks(provider):
    async with running(provider) as worker:
        provider.send_raw(b'[{"ev":"status","status":"force_disconnect","message":"maintenance at 3"}]')
        provider.drop_all()
        ending = await worker.ending(ProviderClosed)
    assert ending.reason == "maintenance at 3"


async def test_a_connection_turned_away_before_authentication_tells_its_code(provider):
    provider.turn_away(1012, "service restart")
    worker = Worker(feed_of(provider))
    assert (await worker.ending(ProviderClosed)).code == 1012
    assert not worker.ready.is_set()
    provider.heal()
    async with running(provider) as again:
        assert again.ready.is_set()


async def test_a_key_in_use_elsewhere_is_raised_by_the_older_connection(provider, until):
    async with running(provider) as older, running(provider) as newer:
        await older.ending(MaxConnections)
        await until(lambda: newer.pipeline.counts.events_in > 0)


async def test_or_by_the_newcomer():
    async with open_provider(ProviderConfig(excess="refuse")) as provider, running(provider) as older:
        async with running(provider) as newer:
            await newer.ending(MaxConnections)
        assert not older.task.done()


async def test_slow_consumer_and_eviction_are_known_by_their_status(provider):
    async with running(provider) as worker:
        await provider.cut_off_all()
        await worker.ending(SlowConsumer)
    async with running(provider) as worker:
        await provider.evict_all()
        await worker.ending(MaxConnections)


async def test_a_refused_key_is_raised_before_it_is_ready_and_never_shown(provider):
    worker = Worker(feed_of(provider, api_key="a-secret-key"))
    ending = await worker.ending(AuthFailed)
    assert not worker.ready.is_set()
    assert "a-secret-key" not in repr(ending)
    assert "a-secret-key" not in repr(feed_of(provider, api_key="a-secret-key"))
    provider.refuse_keys()
    assert "authentication failed" in str(await Worker(feed_of(provider)).ending(AuthFailed))


async def test_a_channel_outside_the_plan_is_noted_and_the_others_flow(until):
    config = ProviderConfig(rate=2_000, withheld=frozenset({"T"}))
    async with open_provider(config) as provider, running(provider) as worker:
        await until(lambda: worker.pipeline.counts.events_in > 100)
        assert [frame.reason for frame in worker.pipeline.rejected] == ["a subscription was refused: not authorized"]
        assert worker.pipeline.counts.refused_subscriptions == 1
        assert list(worker.pipeline.refusals) == ["not authorized"]


async def test_a_feed_outside_the_plan_is_raised(provider):
    async with running(provider) as worker:
        provider.send_raw(b'[{"ev":"status","status":"error","message":"You don\'t have access real-time data."}]')
        assert "access real-time data" in str(await worker.ending(NotEntitled))


@asynccontextmanager
async def server(handler, **options):
    async with serve(handler, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1, **options) as listening:
        listening.url = f"ws://127.0.0.1:{next(iter(listening.sockets)).getsockname()[1]}"
        yield listening


async def test_a_provider_that_does_not_answer_the_key_is_raised_in_time():
    async with server(lambda link: link.wait_closed()) as mute:
        began = time.monotonic()
        await Worker(feed_of(mute, auth_timeout=0.1)).ending(AuthTimeout)
        assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (HTTPStatus.UNAUTHORIZED, AuthFailed),
        (HTTPStatus.FORBIDDEN, AuthFailed),
        (HTTPStatus.BAD_GATEWAY, ConnectRefused),
    ],
)
async def test_a_refused_handshake_is_raised_by_its_http_status(status, kind):
    async with server(lambda link: None, process_request=lambda link, _: link.respond(status, "no")) as closed:
        ending = await Worker(feed_of(closed)).ending(kind)
    assert str(status.value) in str(ending)
    assert getattr(ending, "status", status) == status


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("You don't have access real-time data.", NotEntitled),
        ("Your plan doesn't include this market.", NotEntitled),
        ("Internal error, try again later", ProviderTrouble),
        ("", ProviderTrouble),
    ],
)
async def test_an_error_counts_as_final_only_if_it_is_about_us_and_the_feed_never_worked(
    provider, until, message, kind
):
    frame = msgspec.json.encode([{"ev": "status", "status": "error", "message": message}])
    async with running(provider) as worker:
        await until(lambda: worker.pipeline.counts.events_in > 0)
        provider.send_raw(frame)
        ending = await worker.ending(kind)
        assert getattr(ending, "worked", True)
    async with open_provider(ProviderConfig(rate=0, bar_rate=0)) as quiet, running(quiet) as worker:
        quiet.send_raw(frame)
        assert not getattr(await worker.ending(kind), "worked", False)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_handshake_that_is_refused_says_whether_the_key_worked_before(status):
    async with server(lambda link: None, process_request=lambda link, _: link.respond(status, "no")) as closed:
        pipeline = Worker(feed_of(closed)).pipeline
        for connects in (0, 1):
            pipeline.counts.connects = connects
            with pytest.raises(AuthFailed) as caught:
                await stream.run(feed_of(closed), pipeline, task_status=anyio.TASK_STATUS_IGNORED)
            assert caught.value.worked == bool(connects)


@pytest.mark.parametrize("status", [429, 503, 502])
async def test_a_refused_handshake_tells_how_long_to_wait(status):
    def refuse(link, request):
        response = link.respond(status, "later")
        response.headers["Retry-After"] = "42"
        return response

    async with server(lambda link: None, process_request=refuse) as busy:
        ending = await Worker(feed_of(busy)).ending(ConnectRefused)
    assert (ending.status, ending.retry_after) == (status, 42.0)


async def test_a_port_where_nobody_listens_is_raised_as_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ending = await Worker(Feed(url=f"ws://127.0.0.1:{port}", api_key="k")).ending(ConnectRefused)
    assert ending.status is None
    assert isinstance(ending.__cause__, OSError)


async def test_a_handshake_that_is_never_answered_is_raised_in_time():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        feed = Feed(url=f"ws://127.0.0.1:{deaf.getsockname()[1]}", api_key="k", open_timeout=0.1)
        assert "timed out" in str(await Worker(feed).ending(ConnectRefused))


async def test_silence_is_raised_after_its_time():
    config = ProviderConfig(rate=0, bar_rate=0)
    async with open_provider(config) as provider, running(provider, silence=0.2) as worker:
        began = time.monotonic()
        ending = await worker.ending(FeedSilent)
        assert 0.15 < time.monotonic() - began < 1.0
    assert 0.2 <= ending.seconds < 1.0


async def test_frames_put_silence_off_and_who_holds_nothing_expects_nothing(provider, until):
    pipeline = Pipeline(100_000)
    async with running(provider, pipeline, silence=0.1, subscriptions=()) as worker:
        await anyio.sleep(0.25)
        pipeline.wishes.post(frozenset({"Q.AAPL"}))
        await until(lambda: pipeline.counts.events_in > 100)
        provider.go_silent()
        await worker.ending(FeedSilent)


async def test_a_half_open_connection_is_found_by_ping_as_silence(provider, monkeypatch):
    monkeypatch.setattr(stream, "PING_EVERY", 0.15)
    async with running(provider) as worker:
        provider.go_silent()
        assert "ping" in str(await worker.ending(FeedSilent))


async def test_pings_unanswered_while_frames_come_mean_that_we_are_slow(provider, monkeypatch):
    monkeypatch.setattr(stream, "PING_EVERY", 0.15)
    async with running(provider) as worker:
        for session in provider._open:
            session._link.transport.pause_reading()
        assert "ping" in str(await worker.ending(SlowConsumer))


async def test_frames_that_cannot_be_used_are_rejected_with_their_reason_and_it_lives(provider, until):
    async with running(provider, frame_limit=20_000) as worker:
        counts, rejected = worker.pipeline.counts, worker.pipeline.rejected
        provider.send_malformed()
        provider.send_raw(b'{"ev":"T"}')
        provider.send_raw(b'[{"ev":"ZZ"}]')
        provider.send_raw(b'[{"ev":"status","status":"tired","message":"?"}]')
        provider.send_raw(b"\xff\xfe")
        provider.send_oversize(20_001)
        await until(lambda: counts.rejected == 6)
        before = counts.events_in
        await until(lambda: counts.events_in > before)
        reasons = [frame.reason for frame in rejected]
    assert "truncated" in reasons[0]
    assert "expected a JSON array" in reasons[1]
    assert reasons[2:4] == ["unknown event 'ZZ'", "unknown status 'tired'"]
    assert reasons[5] == "frame of 20001 bytes, over the limit of 20000"
    assert len(rejected[5].excerpt) == 1_024


async def test_a_frame_with_known_and_unknown_events_is_carried_and_the_unknown_are_rejected(provider, until):
    provider.trickle(0)
    payload = b'[{"ev":"LULD"},{"ev":"ZZ"},{"ev":"ZZ"},{"ev":"status","status":"success"},{"ev":"FMV"}]'
    async with running(provider) as worker:
        provider.send_raw(payload)
        await until(lambda: worker.pipeline.counts.rejected == 1)
        assert worker.pipeline.rejected[0].reason == "unknown event 'ZZ'"
        shown = (await worker.pipeline.frames.batch(10))[-1]
        assert (shown.payload, shown.events) == (payload, 2)


async def test_a_frame_far_over_the_limit_ends_the_connection_and_says_so(provider):
    async with running(provider, frame_limit=2_000_000) as worker:
        provider.send_oversize(33_000_000)
        ending = await worker.ending(FrameTooLarge)
    assert ending.limit == 32_000_000


async def test_a_slow_trickle_is_no_failure(provider, until):
    provider.trickle(50)
    async with running(provider, silence=1.0) as worker:
        await until(lambda: worker.pipeline.counts.events_in >= 3)
        assert not worker.task.done()


async def test_it_follows_the_wishes_and_falls_back_on_the_feeds_own_list(provider, until):
    pipeline = Pipeline(100_000)
    pipeline.wishes.post(frozenset({"Q.MSFT", "Q.NVDA"}))

    def held():
        return {channel.name for session in provider._open for channel in session.held}

    async with running(provider, pipeline):
        await until(lambda: held() == {"Q.MSFT", "Q.NVDA"})
        pipeline.wishes.post(frozenset({"Q.NVDA", "T.*"}))
        await until(lambda: held() == {"Q.NVDA", "T.AAPL", "T.AMZN", "T.GOOG", "T.MSFT", "T.NVDA"})
        pipeline.wishes.post(frozenset())
        await until(lambda: held() == set(WANTED))
    assert "Q.GOOG" not in provider.sent[0].channels


async def test_a_stop_closes_with_1000(provider, until):
    async with running(provider) as worker:
        began = time.monotonic()
        await worker.stop()
        assert time.monotonic() - began < 0.5
    await until(lambda: provider.sent[0].closed == 1000)


async def test_a_stop_during_the_handshake_leaves_nothing_behind():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        worker = Worker(Feed(url=f"ws://127.0.0.1:{deaf.getsockname()[1]}", api_key="k"))
        connection = await asyncio.to_thread(deaf.accept)
        connection[0].settimeout(2)
        await worker.stop()
        with connection[0]:
            while connection[0].recv(4_096):
                pass


async def test_a_stop_with_a_deaf_provider_takes_a_second_and_leaves_no_socket_and_no_task(provider):
    before = asyncio.all_tasks()
    async with running(provider) as worker:
        provider.go_silent()
        link = next(iter(provider._open))._link
        began = time.monotonic()
        await worker.stop()
        assert 0.8 < time.monotonic() - began < 1.4
        provider.heal()  # hears what has happened in the meantime
        await asyncio.wait_for(link.wait_closed(), 2)
    await anyio.lowlevel.checkpoint()
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()


# ------------------------------------------------------------------------------------------------ its last frames


def sent(provider):
    return sum(tally.count for connection in provider.sent for tally in connection.channels.values())


@pytest.fixture
async def wordy():
    """A provider with one event in each frame."""
    async with open_provider(ProviderConfig(rate=2_000, bar_rate=0, frame_events=1)) as running:
        yield running


UNREAD = pytest.mark.parametrize("frames", [1, 100], ids=["one", "more_than_the_library_keeps_unread"])


@UNREAD
async def test_what_is_sent_until_the_provider_sees_our_close_is_kept(wordy, until, unheard, frames):
    async with running(wordy) as worker:
        await until(lambda: worker.pipeline.counts.events_in > 0)
        with unheard(wordy):
            worker.cancel()
            before = sent(wordy)
            await until(lambda: sent(wordy) >= before + frames)
        await worker.stop()
    assert worker.pipeline.counts.events_in == sent(wordy)
    assert wordy.sent[0].closed == 1000


@UNREAD
async def test_so_is_what_follows_the_status_with_which_it_fails(wordy, until, unheard, frames):
    refusal = b'[{"ev":"status","status":"error","message":"%s"}]'
    async with running(wordy) as worker:
        await until(lambda: worker.pipeline.counts.events_in > 0)
        with unheard(wordy):
            wordy.send_raw(refusal % b"the first counts")
            before = sent(wordy)
            await until(lambda: sent(wordy) > before)
            wordy.send_raw(refusal % b"the second does not")
            await until(lambda: sent(wordy) >= before + frames + 1)
        assert "the first counts" in str(await worker.ending(ProviderTrouble))
    assert worker.pipeline.counts.events_in == sent(wordy)


async def test_a_hundred_stops_at_random_moments_lose_nothing(provider):
    pipeline, dice = Pipeline(100_000), random.Random(1)
    for _ in range(100):
        worker = Worker(feed_of(provider), pipeline)
        await anyio.sleep(dice.random() * 0.03)  # the handshake, the authentication and the subscription are in it
        await worker.stop()
    assert pipeline.counts.events_in == sent(provider) > 300
    assert pipeline.counts.connects > 50


async def test_a_provider_that_never_answers_our_close_and_goes_on_sending_holds_a_stop_up_for_a_second(
    wordy, until, unheard
):
    async with running(wordy) as worker:
        counts = worker.pipeline.counts
        await until(lambda: counts.events_in > 0)
        with unheard(wordy):
            before, began = counts.events_in, time.monotonic()
            await worker.stop()
            assert 0.8 < time.monotonic() - began < 1.4
            assert counts.events_in > before + 200  # half of what came in this second, and more, is kept


async def test_a_native_cancellation_drops_the_socket_too_and_keeps_them(wordy, until, unheard):
    async with running(wordy) as worker:
        await until(lambda: worker.pipeline.counts.events_in > 0)
        with unheard(wordy):
            worker.task.cancel()
            before = sent(wordy)
            await until(lambda: sent(wordy) >= before + 100)
        await asyncio.wait([worker.task], timeout=3)
        assert worker.task.cancelled()
    await until(lambda: wordy.connections == 0)
    assert worker.pipeline.counts.events_in == sent(wordy)
