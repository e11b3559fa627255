"""decider: turns signals into orders, each signal into one at most.

It reads as a consumer of a group, under a name that all its incarnations share: what one was given and did not settle
is given to the next. An order, its record and the acknowledgement of its signal are one step in Redis.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import anyio
import msgspec
from anyio.abc import TaskStatus

from services.execution.board import Board
from services.execution.config import Execution
from services.execution.decision import Declined, Proposal, decide
from services.execution.signals import BadSignal, Sentiment, Signal, read_sentiment, read_signal
from services.shared import redis_clients
from services.shared.consumer_group import Entry, entries_of, join, settled_key, settling
from services.shared.redis_clients import Client

CONSUMER: Final = "decider"

BATCH: Final = 50
"""Entries that are read together at most."""

BLOCK: Final = 2_000
"""Milliseconds that one read waits for new entries, at most."""

FIRST_BLOCK: Final = 50
"""Milliseconds that the first one waits; twice as long each time that nothing comes."""

CLAIM_AFTER: Final = 60_000
"""Milliseconds after which an entry in the hands of a consumer of another name counts as left behind."""

HALT_INTERVAL: Final = 0.2
"""Seconds between two looks at a kill switch that is on."""

EXCERPT: Final = 1_024
"""Bytes that are kept of an entry that is no signal."""

_DECIDE: Final = settling(Path(__file__).with_suffix(".lua"))
_NOTE: Final = settling(Path(__file__).with_name("note.lua"))


async def run(
    config: Execution, board: Board, producer: Client, blocking: Client, *, task_status: TaskStatus[None]
) -> None:
    """Decide until stopped; ready once the group is there and limits are posted.

    Args:
        config: the service.
        board: says which limits hold.
        producer: client of intel-redis that does not retry.
        blocking: client of intel-redis for reads that wait.
        task_status: told when it is ready.

    Raises:
        redis.exceptions.RedisError: the signals in hand are read again by the next incarnation.
    """
    await redis_clients.until_it_answers(producer)
    decider = _Decider(config, board, producer, blocking)
    await join(producer, config.keys.signals, config.keys.group)
    await board.limits()
    task_status.started()
    while True:
        await decider.until_not_halted()
        if await decider.settle_own():
            while await decider.settle_new():
                pass


class _Decider:
    """One incarnation's reads and decisions. Settling says False when the kill switch has stopped it."""

    def __init__(self, config: Execution, board: Board, producer: Client, blocking: Client) -> None:
        self._config = config
        self._keys = config.keys
        self._board = board
        self._redis = producer
        self._blocking = blocking
        self._block = FIRST_BLOCK
        self._settled = settled_key(config.keys.signals, config.keys.group)
        self._decide = producer.register_script(_DECIDE)
        self._note = producer.register_script(_NOTE)

    async def until_not_halted(self) -> None:
        """Wait for as long as the kill switch is on."""
        while await self._is_halted():  # noqa: ASYNC110 (the switch is a key in Redis)
            await anyio.sleep(HALT_INTERVAL)

    async def settle_own(self) -> bool:
        """Settle what former incarnations were given."""
        while entries := await self._read("0"):
            if not await self._settle(entries):
                return False
        return True

    async def settle_new(self) -> bool:
        """Settle what is there, or wait for what comes, two seconds at most; and take over what was left behind.

        1. A read is on its way when its incarnation is cancelled. 2. The next one settles its own entries. 3. Redis
        answers the old read, to nobody. So entries that are pending while we hold none are looked at again, soon after
        the start, when that happens, and less often later.
        """
        if await self._is_pending():
            await self._claim()
            if not await self.settle_own():
                return False
        if await self._is_halted():
            return False
        entries = await self._read(">", "BLOCK", self._block)
        if not entries:
            self._block = min(2 * self._block, BLOCK)
        return await self._settle(entries)

    async def _is_halted(self) -> bool:
        return bool(await self._redis.execute_command("EXISTS", self._keys.halted))

    async def _is_pending(self) -> bool:
        summary = await self._redis.execute_command("XPENDING", self._keys.signals, self._keys.group)
        return bool(summary["pending"])

    async def _claim(self) -> None:
        claim = ("XAUTOCLAIM", self._keys.signals, self._keys.group, CONSUMER, CLAIM_AFTER, "0-0", "COUNT", BATCH)
        await self._redis.execute_command(*claim)

    async def _read(self, start: str, *options: str | int) -> Sequence[Entry]:
        who = ("XREADGROUP", "GROUP", self._keys.group, CONSUMER, "COUNT", BATCH)
        reply: Any = await self._blocking.execute_command(*who, *options, "STREAMS", self._keys.signals, start)
        return entries_of(self._keys.signals, reply)

    async def _settle(self, entries: Sequence[Entry]) -> bool:
        for id, fields in entries:
            if await self._settle_one(id, fields) == b"halted":
                return False
        return True

    async def _settle_one(self, id: bytes, fields: dict[bytes, bytes]) -> bytes:
        if not fields:
            return await self._write_note(id, self._keys.rejected, reason="cut off by the limit of the stream")
        try:
            signal = read_signal(fields.get(b"signal"))
        except BadSignal as error:
            excerpt = fields.get(b"signal", b" ".join(fields))[:EXCERPT]
            return await self._write_note(id, self._keys.rejected, reason=str(error), excerpt=excerpt)
        limits = await self._board.limits()
        decision = decide(signal, await self._sentiment(signal), limits, time.time())
        if isinstance(decision, Declined):
            return await self._write_note(id, self._keys.declined, signal=signal.id, reason=decision.reason)
        return await self._order(id, decision, msgspec.json.encode(limits))

    async def _sentiment(self, signal: Signal) -> Sentiment | None:
        key = f"{self._keys.sentiment}:{signal.symbol}"
        return read_sentiment(await self._redis.execute_command("HMGET", key, "score", "at"))

    async def _order(self, id: bytes, proposal: Proposal, limits: bytes) -> bytes:
        keys = self._keys
        stores = (keys.signals, keys.halted, keys.orders, keys.declined, f"{keys.order}:{proposal.id}", keys.unsent)
        sums = (keys.open, keys.positions, keys.recent, f"{keys.exposure}:buy", f"{keys.exposure}:sell", self._settled)
        kept = (self._config.stream_maxlen, self._config.notes_maxlen)
        arguments = (keys.group, CONSUMER, id, msgspec.json.encode(proposal), limits, *kept)
        outcome: bytes = await self._decide(keys=[*stores, *sums], args=arguments)
        return outcome

    async def _write_note(self, id: bytes, stream: str, **note: str | bytes) -> bytes:
        words = [word for name, value in note.items() for word in (name, value)]
        arguments = (self._keys.group, CONSUMER, id, self._config.notes_maxlen, *words)
        outcome: bytes = await self._note(keys=[self._keys.signals, stream, self._settled], args=arguments)
        return outcome
