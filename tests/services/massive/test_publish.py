import random
from pathlib import Path

import anyio
import msgspec
import pytest
from redis.exceptions import ConnectionError as NotConnected

from services.massive.pipeline import Pipeline
from services.massive.workers import publish
from services.massive.workers.publish import StreamTaken
from services.shared import redis_clients

STREAM = "massive:ws:stream"
FAR_FUTURE = "99999999999999-0"


def payloads(raw):
    return [fields[b"payload"] for _, fields in raw.xrange(STREAM)]


async def start(group, massive, pipeline, client=None):
    """Start one incarnation in a scope of its own, and return the scope; as under a supervisor, the last one is gone."""
    scope = anyio.CancelScope()
    if over := getattr(pipeline, "over", None):
        await over.wait()
    pipeline.over = anyio.Event()

    async def incarnation(*, task_status, over=pipeline.over):
        try:
            with scope:
                await publish.run(massive, pipeline, client, task_status=task_status)
        finally:
            over.set()

    await group.start(incarnation)
    return scope


async def test_each_frame_is_one_entry_with_the_id_it_was_given(massive, raw, until):
    pipeline = Pipeline(100)
    for n in range(3):
        pipeline.frames.put(b"frame %d" % n, 50)
    async with anyio.create_task_group() as group:
        scope = await start(group, massive, pipeline)
        await until(lambda: pipeline.counts.frames_out == 3)
        scope.cancel()
    entries = raw.xrange(STREAM)
    assert [fields[b"payload"] for _, fields in entries] == [b"frame 0", b"frame 1", b"frame 2"]
    assert all(int(fields[b"ts"]) <= int(id.split(b"-")[0]) for id, fields in entries)
    assert pipeline.counts.events_out == 150
    assert len(pipeline.frames) == 0


async def test_two_hundred_cancellations_at_random_moments_neither_lose_nor_double_nor_disorder_a_frame(massive, raw):
    pipeline, dice, made = Pipeline(100_000), random.Random(1), 0
    feeding = True

    async def feed():
        nonlocal made
        while feeding:
            for _ in range(dice.randrange(1, 40)):
                pipeline.frames.put(b"%d" % made, 1)
                made += 1
            await anyio.sleep(dice.random() * 0.002)

    async with anyio.create_task_group() as group:
        group.start_soon(feed)
        for _ in range(200):
            scope = await start(group, massive, pipeline)
            await anyio.sleep(dice.random() * 0.008)
            scope.cancel()
        feeding = False
    await drain(massive, pipeline)
    assert payloads(raw) == [b"%d" % n for n in range(made)]
    assert pipeline.counts.frames_out == made
    assert made > 2_000


async def test_a_stop_writes_what_waits_in_the_queue_before_it_ends(massive, raw, until):
    pipeline = Pipeline(10_000)
    async with anyio.create_task_group() as group:
        scope = await start(group, massive, pipeline)
        for n in range(5_000):
            pipeline.frames.put(b"%d" % n, 1)
        scope.cancel()
    assert payloads(raw) == [b"%d" % n for n in range(5_000)]
    assert len(pipeline.frames) == 0


async def drain(massive, pipeline, client=None):
    async with anyio.create_task_group() as group:
        scope = await start(group, massive, pipeline, client)
        with anyio.fail_after(10):
            while len(pipeline.frames):
                await anyio.sleep(0.005)
        scope.cancel()


class SwallowingProxy:
    """Stands before the server; passes everything on until the reply to an XADD, which it drops with the connection."""

    def __init__(self, server):
        self.server = server
        self.armed = True

    async def handle(self, client):
        async with client, await anyio.connect_unix(self.server) as server, anyio.create_task_group() as group:
            swallow = anyio.Event()

            async def requests():
                async for data in client:
                    if self.armed and b"XADD" in data:
                        self.armed = False
                        swallow.set()
                    await server.send(data)
                group.cancel_scope.cancel()

            group.start_soon(requests)
            async for data in server:
                if swallow.is_set():
                    break
                await client.send(data)
            group.cancel_scope.cancel()


async def test_a_frame_whose_reply_got_lost_is_written_again_and_counted_as_repeated(massive, market, raw, tmp_path):
    path = f"{market.url.removeprefix('unix://')}.proxy"
    proxy, pipeline = SwallowingProxy(market.url.removeprefix("unix://")), Pipeline(100)
    pipeline.frames.put(b"first", 1)
    pipeline.frames.put(b"second", 1)
    client = redis_clients.producer(f"unix://{path}")
    async with await anyio.create_unix_listener(path) as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, proxy.handle)
        with pytest.raises(NotConnected):
            await publish.run(massive, pipeline, client, task_status=anyio.TASK_STATUS_IGNORED)
        assert payloads(raw) == [b"first", b"second"]
        assert len(pipeline.frames) == 2
        await drain(massive, pipeline, client)
        await client.aclose()
        group.cancel_scope.cancel()
    assert payloads(raw) == [b"first", b"second"]
    assert pipeline.counts.repeated == 2
    assert pipeline.counts.frames_out == 2


async def test_new_ids_begin_above_a_stream_from_the_future(massive, raw, until):
    raw.xadd(STREAM, {"payload": "stranger"}, id=FAR_FUTURE)
    pipeline = Pipeline(100)
    pipeline.frames.put(b"put before the publisher looked", 1)
    async with anyio.create_task_group() as group:
        scope = await start(group, massive, pipeline)
        await until(lambda: pipeline.counts.frames_out == 1)
        pipeline.frames.put(b"put after", 1)
        await until(lambda: pipeline.counts.frames_out == 2)
        scope.cancel()
    assert payloads(raw) == [b"stranger", b"put before the publisher looked", b"put after"]
    assert pipeline.counts.repeated == 0


async def test_a_stranger_in_the_stream_is_an_error_once_and_costs_no_frame(massive, raw, until):
    pipeline = Pipeline(100)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with anyio.create_task_group() as group:
            await start(group, massive, pipeline)
            raw.xadd(STREAM, {"payload": "stranger"}, id=FAR_FUTURE)
            pipeline.frames.put(b"ours", 1)
            await anyio.sleep(5)
    error = caught.value.exceptions[0]
    assert isinstance(error, StreamTaken)
    assert error.top == FAR_FUTURE
    assert STREAM in str(error)
    pipeline.frames.put(b"waiting", 1)
    await drain(massive, pipeline)
    assert payloads(raw) == [b"stranger", b"ours", b"waiting"]
    assert pipeline.counts.repeated == 0


async def test_frames_that_begin_again_keep_their_order_before_those_that_wait():
    frames = Pipeline(10).frames
    for payload in (b"first", b"second", b"third"):
        frames.put(payload, 1)
    (first,) = await frames.batch(1)
    frames.begin_above(first.id, {first.id})
    (again,) = await frames.batch(1)
    frames.settle()
    assert [again.payload, *(frame.payload for frame in await frames.batch(5))] == [b"first", b"second", b"third"]
    ids = [again.id, *(frame.id for frame in await frames.batch(5))]
    assert sorted((first.id, *ids), key=lambda id: [int(part) for part in id.split("-")]) == [first.id, *ids]
    assert len({first.id, *ids}) == 4


async def test_a_server_that_dies_and_comes_back_has_every_settled_frame_and_gets_the_others(
    massive, market, raw, until
):
    pipeline = Pipeline(10_000)
    crashes = fed = 0

    async def restarted():
        nonlocal crashes
        while True:
            try:
                await publish.run(massive, pipeline, task_status=anyio.TASK_STATUS_IGNORED)
            except NotConnected:
                crashes += 1

    async def feed():
        nonlocal fed
        while crashes < 2:
            pipeline.frames.put(b"%d" % fed, 1)
            fed += 1
            await anyio.sleep(0.001)

    async with anyio.create_task_group() as group:
        group.start_soon(restarted)
        group.start_soon(feed)
        for kills in (0, 1):
            await until(lambda kills=kills: crashes == kills and pipeline.counts.frames_out >= 150 * (1 + kills))
            market.kill()
            await market.start()
        await until(lambda: crashes == 2 and pipeline.counts.frames_out == fed)
        group.cancel_scope.cancel()
    assert payloads(raw) == [b"%d" % n for n in range(fed)]
    assert crashes == 2


async def test_it_becomes_ready_only_when_redis_answers(massive, market, until):
    market.kill()
    ready = []

    async def incarnation():
        async with anyio.create_task_group() as group:
            await start(group, massive, Pipeline(1))
            ready.append(True)

    async with anyio.create_task_group() as group:
        group.start_soon(incarnation)
        await anyio.sleep(0.3)
        assert not ready
        await market.start()
        await until(lambda: ready)
        group.cancel_scope.cancel()


async def test_the_reasons_of_rejected_frames_and_the_counts_are_written_also_when_no_frame_comes(massive, raw, until):
    pipeline = Pipeline(10)
    pipeline.reject("not a JSON array", b"{oops")
    async with anyio.create_task_group() as group:
        scope = await start(group, massive, pipeline)
        await until(lambda: not pipeline.rejected)
        scope.cancel()
    ((_, fields),) = raw.xrange("massive:ws:rejected")
    assert fields[b"reason"] == b"not a JSON array"
    assert fields[b"excerpt"] == b"{oops"
    assert raw.hget("massive:ws:analytics", "rejected") == b"1"
    assert raw.hget("massive:ws:analytics", "frames_in") == b"0"


async def test_the_stream_is_kept_near_its_limit(massive, raw, until):
    massive = msgspec.structs.replace(massive, stream_maxlen=1_000)
    pipeline = Pipeline(10_000)
    async with anyio.create_task_group() as group:
        scope = await start(group, massive, pipeline)
        for n in range(5_000):
            pipeline.frames.put(b"%d" % n, 1)
        await until(lambda: pipeline.counts.frames_out == 5_000)
        scope.cancel()
    assert 1_000 <= raw.xlen(STREAM) < 1_200


async def test_no_connection_is_left_behind_by_cancelled_incarnations(massive, raw, until):
    pipeline = Pipeline(100)
    assert len(raw.client_list()) == 1
    open_files = len(list(Path("/dev/fd").iterdir()))
    async with anyio.create_task_group() as group:
        for busy in (True, False) * 10:
            pipeline.frames.put(b"x", 1)
            scope = await start(group, massive, pipeline)
            if not busy:
                await until(lambda: not len(pipeline.frames))
            scope.cancel()
    assert len(list(Path("/dev/fd").iterdir())) == open_files
    await until(lambda: len(raw.client_list()) == 1)


async def test_a_lent_client_is_used_and_left_open(massive, market, raw):
    client = redis_clients.producer(market.url)
    pipeline = Pipeline(100)
    pipeline.frames.put(b"x", 1)
    await drain(massive, pipeline, client)
    assert await client.execute_command("XLEN", STREAM) == 1
    await client.aclose()
