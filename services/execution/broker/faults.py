"""How the paper broker misbehaves on command, so that its customers can be tried."""

from collections import deque
from collections.abc import Awaitable, Callable

import anyio

from services.execution.broker.protocol import Answer, Fault, Misbehave, Problem, Submit

Act = Callable[[Submit, str], Awaitable[Answer | Problem]]


class Dropped(Exception):
    """The connection is to be dropped without a word."""


class Faults:
    """The faults that are due, one for each submission to come."""

    def __init__(self) -> None:
        self._due: deque[Fault] = deque()
        self._seconds = 0.0

    def plan(self, command: Misbehave) -> None:
        """Put further faults behind those that are left."""
        self._due.extend(command.faults)
        self._seconds = command.seconds

    async def around(self, act: Act, order: Submit) -> Answer | Problem:
        """Let the broker act on a submission, well or badly; `act` is given the reason to refuse the order, if any.

        Raises:
            Dropped: instead of an answer.
        """
        fault = self._due.popleft() if self._due else None
        if fault == "drop_before":
            raise Dropped
        answer = await act(order, "told to refuse it" if fault == "refuse" else "")
        if fault == "drop_after":
            raise Dropped
        if fault == "late":
            await anyio.sleep(self._seconds)
        return answer
