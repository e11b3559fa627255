"""The board on which the orchestrator posts the limits that hold, and where the decider reads them."""

import anyio

from services.execution.config import Limits


class Board:
    """Made once, before supervision begins: limits stay posted while the orchestrator restarts."""

    def __init__(self) -> None:
        self._limits: Limits | None = None
        self._posted = anyio.Event()

    def post(self, limits: Limits) -> None:
        """Let these limits hold from now on."""
        self._limits = limits
        self._posted.set()

    async def limits(self) -> Limits:
        """The limits that hold; waits until there are any."""
        await self._posted.wait()
        assert self._limits is not None
        return self._limits
