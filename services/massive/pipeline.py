"""What the workers of one massive process hand to each other: the frames, the wish list, the counts.

It is made once, before supervision begins, and outlives every worker: a worker that restarts finds the frames that
its predecessor had not yet settled.
"""

import time
from collections import deque
from collections.abc import Collection, Sequence
from itertools import islice

import anyio
from msgspec import Struct, structs


class Frame(Struct, frozen=True, gc=False):
    """One frame of the provider on its way to the bus.

    Attributes:
        id: the entry id that the frame will have in the stream, given once. Adding it twice is refused by Redis, so a
            publisher that does not know whether its write arrived may simply write again.
        received: wall clock in milliseconds when the frame came off the socket.
        payload: the frame as it came.
        events: how many events it carries.
    """

    id: str
    received: int
    payload: bytes
    events: int


class Rejected(Struct, frozen=True, gc=False):
    """A frame that was refused: why, and its first bytes."""

    received: int
    reason: str
    excerpt: bytes


class Counts(Struct):
    """What went through, since the process began.

    Attributes:
        refused_subscriptions: answers of the provider that our plan does not hold what we asked for.
        repeated: frames that were written again, since the answer to the first time got lost.
        consumed: entries of the stream that `redis_consumer` has turned into prices.
        lost: entries that the stream's limit cut off before `redis_consumer` had them.
    """

    connects: int = 0
    frames_in: int = 0
    events_in: int = 0
    frames_out: int = 0
    events_out: int = 0
    dropped_frames: int = 0
    dropped_events: int = 0
    rejected: int = 0
    refused_subscriptions: int = 0
    repeated: int = 0
    consumed: int = 0
    lost: int = 0


class Turns(Struct):
    """Turns of the workers' loops, since the process began: they go on while the market is quiet.

    Attributes:
        orchestrator: at least one in five seconds.
        redis_publisher: at least one in a second.
        redis_consumer: at least one in two seconds. Only these show that its reads are answered.
    """

    orchestrator: int = 0
    redis_publisher: int = 0
    redis_consumer: int = 0


class FrameQueue:
    """A bounded queue from the socket to the bus that forgets a frame only when it is settled.

    `put` never waits: when the queue is full the oldest waiting frame is dropped and counted, for in market data the
    newest is worth most. `batch` shows frames and keeps them until `settle`, so frames in the hands of a publisher
    that crashes are shown to the next one.
    """

    def __init__(self, capacity: int, counts: Counts) -> None:
        self._capacity = capacity
        self._counts = counts
        self._waiting: deque[Frame] = deque()
        self._shown: Sequence[Frame] = ()
        self._arrived = anyio.Event()
        self._last_id = (0, 0)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._shown)

    def put(self, payload: bytes, events: int) -> None:
        """Take a frame off the socket; the oldest waiting one gives way when there is no room."""
        if len(self) >= self._capacity and self._waiting:
            oldest = self._waiting.popleft()
            self._counts.dropped_frames += 1
            self._counts.dropped_events += oldest.events
        received = time.time_ns() // 1_000_000
        self._waiting.append(Frame(self._next_id(received), received, payload, events))
        self._counts.frames_in += 1
        self._counts.events_in += events
        self._arrived.set()

    async def batch(self, limit: int) -> Sequence[Frame]:
        """Wait for frames and show the oldest, at most `limit`; the same ones again until they are settled."""
        while not self._shown:
            if self._waiting:
                self._shown = tuple(islice(self._waiting, limit))
                for _ in self._shown:
                    self._waiting.popleft()
            else:
                self._arrived = anyio.Event()
                await self._arrived.wait()
        return self._shown

    def settle(self) -> None:
        """The shown frames are on the bus: forget them."""
        self._counts.frames_out += len(self._shown)
        self._counts.events_out += sum(frame.events for frame in self._shown)
        self._shown = ()

    def begin_above(self, top: str, missing: Collection[str] = ()) -> None:
        """Give ids above `top` from now on, for the stream takes no others; also to frames that it cannot hold yet.

        Args:
            top: the last id of the stream.
            missing: ids of shown frames that the stream refused and does not hold: these begin again as well. All other
                shown frames keep their ids, since one of them may be on its way.
        """
        self._last_id = max(self._last_id, _ordinal(top))
        self._shown = tuple(self._renewed(frame) if frame.id in missing else frame for frame in self._shown)
        if missing or (self._waiting and _ordinal(self._waiting[0].id) <= _ordinal(top)):
            self._waiting = deque(self._renewed(frame) for frame in self._waiting)

    def _renewed(self, frame: Frame) -> Frame:
        return structs.replace(frame, id=self._next_id(frame.received))

    def _next_id(self, received: int) -> str:
        # Ids must rise even when the wall clock steps back.
        stamp, sequence = self._last_id
        self._last_id = (received, 0) if received > stamp else (stamp, sequence + 1)
        return f"{self._last_id[0]}-{self._last_id[1]}"


def _ordinal(id: str) -> tuple[int, int]:
    stamp, _, sequence = id.partition("-")
    return int(stamp), int(sequence)


class Wishes:
    """What should be subscribed: posted by the orchestrator, followed by the socket's worker."""

    def __init__(self) -> None:
        self.wanted: frozenset[str] = frozenset()
        self._changed = anyio.Event()

    def post(self, wanted: frozenset[str]) -> None:
        """Replace the wish list; those who wait for a change wake up when it differs."""
        if wanted != self.wanted:
            self.wanted = wanted
            changed, self._changed = self._changed, anyio.Event()
            changed.set()

    async def differ_from(self, seen: frozenset[str]) -> frozenset[str]:
        """Wait until the wish list is another than `seen`, and return it."""
        while self.wanted == seen:
            await self._changed.wait()
        return self.wanted


class Pipeline:
    """The frames, the wishes, the refused frames, the counts and the turns of one process.

    Attributes:
        refusals: what the provider said of subscriptions that it refused, for the orchestrator to say.
    """

    def __init__(self, capacity: int, *, rejected: int = 1_000) -> None:
        self.counts = Counts()
        self.turns = Turns()
        self.frames = FrameQueue(capacity, self.counts)
        self.wishes = Wishes()
        self.rejected: deque[Rejected] = deque(maxlen=rejected)
        self.refusals: deque[str] = deque(maxlen=100)
        self.wake = anyio.Event()  # set by `subscriptions`, renewed by the orchestrator

    def reject(self, reason: str, payload: bytes) -> None:
        """Keep the beginning of a frame that cannot be used, with the reason, for `redis_publisher` to write down."""
        self.counts.rejected += 1
        self.rejected.append(Rejected(time.time_ns() // 1_000_000, reason, payload[:1_024]))

    def refuse(self, message: str, payload: bytes) -> None:
        """The provider has refused a subscription: keep what it said, for the log and for the bus."""
        self.counts.refused_subscriptions += 1
        self.refusals.append(message)
        self.reject(f"a subscription was refused: {message}", payload)
        self.call_orchestrator()

    def call_orchestrator(self) -> None:
        """Tell the orchestrator that the subscription list has changed, or that one was refused."""
        self.wake.set()
