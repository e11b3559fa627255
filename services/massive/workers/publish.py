"""redis_publisher: writes the frames of the socket into the stream on market-redis, each exactly once.

The client never retries. What is not known to have arrived is shown again by the queue, to this incarnation's
successor, and written again under the same id: the stream refuses it when it is there already.

That holds as long as the server keeps what it has answered. With `appendfsync everysec` a killed server may forget up
to two seconds of it while its disk is slow; with `no` only a machine that dies forgets, with `always` nothing does.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import anyio
from anyio.abc import TaskStatus
from msgspec import structs
from redis.exceptions import RedisError, ResponseError

from services.massive.config import Massive
from services.massive.pipeline import Frame, Pipeline, Rejected
from services.shared import redis_clients
from services.shared.redis_clients import Client, Word

BATCH = 500
"""Frames that go out together at most."""

LAST_WRITES = 1.0
"""Seconds that the frames in the queue have to reach the bus when the worker is stopped."""

REPORT_INTERVAL = 1.0
"""Seconds between two writes of the counts and of the rejected frames."""


class StreamTaken(Exception):
    """The stream refuses our ids and does not hold our frames: somebody else adds to it, under later ids.

    Attributes:
        stream: its key.
        top: its last id, above which the frames go on from now on; none of them is lost.
    """

    def __init__(self, stream: str, top: str, frames: int) -> None:
        super().__init__(
            f"the stream {stream!r} has the id {top}, later than {frames} of our frames that it does not hold: "
            "somebody else adds to it, or the clock was set back; the frames go on above that id. "
            "Only one redis_publisher may write to a stream"
        )
        self.stream = stream
        self.top = top


async def run(
    config: Massive, pipeline: Pipeline, client: Client | None = None, *, task_status: TaskStatus[None]
) -> None:
    """Write frames until stopped; ready once Redis answers.

    Args:
        config: the service.
        pipeline: its frames, its rejected frames and its counts are written; told of each turn.
        client: of market-redis, without retries; None: one of its own.
        task_status: told when Redis answers.

    Raises:
        redis.exceptions.RedisError: the frames in hand are written again by the next incarnation.
        StreamTaken: so are they, under new ids.
    """
    async with redis_clients.lent_or_opened(client, redis_clients.producer, config.buses.market) as redis:
        await redis_clients.until_it_answers(redis)
        publisher = _Publisher(config, pipeline, redis)
        await publisher.begin()
        task_status.started()
        try:
            while True:
                await publisher.write_next()
                pipeline.turns.redis_publisher += 1
        except anyio.get_cancelled_exc_class():
            await publisher.write_rest()
            raise


class _Publisher:
    """One incarnation's writes."""

    def __init__(self, config: Massive, pipeline: Pipeline, redis: Client) -> None:
        self._config = config
        self._keys = config.keys
        self._pipeline = pipeline
        self._redis = redis
        self._next_report = anyio.current_time()

    async def begin(self) -> None:
        """Let new ids begin above those that the stream holds: the clock may have been set back since."""
        if top := await self._top():
            self._pipeline.frames.begin_above(top)

    async def write_next(self) -> None:
        """Wait for frames, a second at most, and write them together with whatever else is due."""
        frames = await self._next_frames()
        rejected = self._due_rejected()
        replies = await self._send(frames, rejected)
        await self._settle(frames, replies[: len(frames)])
        _raise_first(replies[len(frames) :])
        self._forget(rejected)

    async def write_rest(self) -> None:
        """Stopped: write what waits in the queue, for it ends with the process. What does not get through stays there."""
        rest = len(self._pipeline.frames)
        with anyio.move_on_after(LAST_WRITES, shield=True), suppress(RedisError):
            while rest > 0:
                frames = await self._pipeline.frames.batch(BATCH)
                await self._settle(frames, await self._send(frames, None))
                rest -= len(frames)

    async def _next_frames(self) -> Sequence[Frame]:
        with anyio.move_on_after(REPORT_INTERVAL):
            return await self._pipeline.frames.batch(BATCH)
        return ()

    def _due_rejected(self) -> Sequence[Rejected] | None:
        if anyio.current_time() < self._next_report:
            return None
        self._next_report = anyio.current_time() + REPORT_INTERVAL
        return tuple(self._pipeline.rejected)

    async def _send(self, frames: Sequence[Frame], rejected: Sequence[Rejected] | None) -> list[Any]:
        # All or nothing: out of memory for a moment, the server would take a later frame and refuse an earlier one, which
        # it could not hold in its place any more.
        out = self._redis.pipeline(transaction=True)
        for frame in frames:
            _add(
                out,
                self._keys.stream,
                self._config.stream_maxlen,
                frame.id,
                ("ts", frame.received, "payload", frame.payload),
            )
        if rejected is not None:
            for one in rejected:
                fields = ("ts", one.received, "reason", one.reason, "excerpt", one.excerpt)
                _add(out, self._keys.rejected, self._config.rejected_maxlen, "*", fields)
            out.execute_command("HSET", self._keys.analytics, *self._analytics())
        return await out.execute(raise_on_error=False)

    def _analytics(self) -> Sequence[str | int]:
        counts = structs.asdict(self._pipeline.counts) | {"waiting_frames": len(self._pipeline.frames)}
        return [word for name_and_count in counts.items() for word in name_and_count]

    async def _settle(self, frames: Sequence[Frame], replies: Sequence[Any]) -> None:
        refused = [frame for frame, reply in zip(frames, replies, strict=True) if _is_refused_id(reply)]
        _raise_first(reply for reply in replies if not _is_refused_id(reply))
        if refused:
            await self._check_arrived(refused)
        if frames:
            self._pipeline.frames.settle()

    async def _check_arrived(self, refused: Sequence[Frame]) -> None:
        # A refused id is ours only if the stream holds our payload under it.
        look = self._redis.pipeline(transaction=False)
        for frame in refused:
            look.execute_command("XRANGE", self._keys.stream, frame.id, frame.id)
        found = await look.execute()
        missing = {frame.id for frame, entries in zip(refused, found, strict=True) if not _holds(entries, frame)}
        if missing:
            top = await self._top()
            self._pipeline.frames.begin_above(top, missing)
            raise StreamTaken(self._keys.stream, top, len(missing))
        self._pipeline.counts.repeated += len(refused)

    async def _top(self) -> str:
        try:
            stream: dict[bytes, Any] = await self._redis.execute_command("XINFO", "STREAM", self._keys.stream)
        except ResponseError as error:
            if "no such key" in str(error):
                return ""
            raise
        return str(stream[b"last-generated-id"], "ascii")

    def _forget(self, written: Sequence[Rejected] | None) -> None:
        # The deque may have dropped some of them from its left while they were written.
        rejected = self._pipeline.rejected
        for one in written or ():
            if rejected and rejected[0] is one:
                rejected.popleft()


def _add(out: redis_clients.Pipeline, stream: str, limit: int, id: str, fields: Sequence[Word]) -> None:
    out.execute_command("XADD", stream, "MAXLEN", "~", limit, id, *fields)


def _is_refused_id(reply: object) -> bool:
    return isinstance(reply, ResponseError) and "equal or smaller" in str(reply)


def _holds(entries: Sequence[tuple[bytes, dict[bytes, bytes]]], frame: Frame) -> bool:
    return any(fields.get(b"payload") == frame.payload for _, fields in entries)


def _raise_first(replies: Iterable[Any]) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
