"""What intel-redis keeps of the signals: the baselines, and the position in massive's stream that they stand for.

The entries are on market-redis and the results on intel-redis, so no step of one server can hold both an entry's
results and its acknowledgement. The position takes the place of the acknowledgement: it is written in the same step as
the results, and an entry at or before it is settled, whatever its group says.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from services.intel.anomalies import Signal, SymbolState
from services.intel.config import Intel
from services.shared.redis_clients import Client

BEGINNING: Final = "0-0"
"""The position before the first entry."""

_SCRIPT: Final = Path(__file__).with_name("settle.lua").read_text()

_decode = msgspec.json.Decoder(SymbolState).decode


class SignalStore:
    """The baselines and the position.

    Args:
        redis: client of intel-redis; it may repeat what it sends.
    """

    def __init__(self, redis: Client, config: Intel) -> None:
        self._redis = redis
        self._keys = config.keys
        self._maxlen = config.thresholds.maxlen
        self._settle = redis.register_script(_SCRIPT)

    async def position(self) -> str:
        """The id of the last entry that is settled."""
        held: bytes | None = await self._redis.execute_command("GET", self._keys.position)
        return BEGINNING if held is None else held.decode()

    async def states(self, symbols: Sequence[str]) -> Iterable[tuple[str, SymbolState | None]]:
        """What is kept of these symbols; None for one that is new, or whose state cannot be read any more."""
        if not symbols:
            return ()
        held = await self._redis.execute_command("HMGET", self._keys.baseline, *symbols)
        return zip(symbols, map(_state, held), strict=True)

    async def settle(
        self, before: str, after: str, states: Iterable[tuple[str, SymbolState]], signals: Iterable[Signal]
    ) -> bool:
        """Keep the states, publish the signals, and go from one position to the other: all of it or nothing.

        Returns:
            Whether it was done. If not, the position was not `before`: an earlier incarnation's batch arrived late, or
            this one arrived at the first try and its answer was lost. Begin again from `position()`.
        """
        batch = {
            "states": [(symbol, msgspec.json.encode(state).decode()) for symbol, state in states],
            "signals": [msgspec.json.encode(signal).decode() for signal in signals],
        }
        done: int = await self._settle(
            keys=(self._keys.position, self._keys.baseline, self._keys.signals),
            args=(before, after, self._maxlen, msgspec.json.encode(batch)),
        )
        return bool(done)


def _state(held: bytes | None) -> SymbolState | None:
    # One that cannot be read never could be again: its symbol begins anew, and the others go on.
    try:
        return None if held is None else _decode(held)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
