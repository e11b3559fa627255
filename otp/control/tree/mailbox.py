"""The mailbox: where questions reach the tree's event loop, and are answered at a pace that leaves most of it to the tree.

It stands beside the tree and not in it: it answers while the tree starts, restarts and stops.
"""

from collections import deque

import anyio
from anyio.abc import TaskGroup

from otp.control.bridge import Bridge, Question
from otp.control.tree.actions import Actions
from otp.control.tree.queries import Queries
from otp.control.wire.protocol import Answer, Draining, Failed
from otp.errors import OTPError
from otp.observe.logger import logger
from otp.runtime.crash import describe

PACE = 0.005
"""Seconds of pause for each question, and at least as long as the loop was busy with the last ones: many clients at
once get less than half of the loop's time."""

BURST = 10
"""Questions that are taken before a pause. A pause of some length leaves the tree undisturbed for most of the time; as
many short ones disturb it all the time."""


class Mailbox:
    """Answers questions about one tree, in its event loop.

    Args:
        bridge: carries the answers.
        queries: answer the commands that look.
        actions: answer the commands that act.
    """

    def __init__(self, bridge: Bridge, queries: Queries, actions: Actions) -> None:
        self._bridge = bridge
        self._queries = queries
        self._actions = actions
        self._waiting: deque[Question] = deque()
        self._asked = anyio.Event()

    def put(self, question: Question) -> None:
        """Take a question."""
        self._waiting.append(question)
        self._asked.set()

    async def run(self) -> None:
        """Answer, until cancelled."""
        async with anyio.create_task_group() as group:
            while True:
                await self._asked.wait()
                self._asked = anyio.Event()
                while self._waiting:
                    await self._take_some(group)

    async def _take_some(self, group: TaskGroup) -> None:
        begun, taken = anyio.current_time(), min(BURST, len(self._waiting))
        for _ in range(taken):
            group.start_soon(self._answer, self._waiting.popleft())
            await anyio.lowlevel.checkpoint()  # one for each turn of the loop: the tree goes first
        await anyio.sleep(max(taken * PACE, anyio.current_time() - begun))

    async def _answer(self, question: Question) -> None:
        try:
            answer: Answer | Failed = await self._asked_for(question)
        except OTPError as no:
            kind, message = self._actions.refusal(no)
            answer = Failed(id=question.op, kind=kind, message=message)
        except Exception as bug:  # noqa: BLE001 # one question must not end the others
            logger.error("control: {} failed: {}", type(question.command).__name__, describe(bug))
            message = f"otp itself failed, please report it: {describe(bug)}"
            answer = Failed(id=question.op, kind="error", message=message)
        self._bridge.answer(question, answer)
        if isinstance(answer, Draining):
            await self._actions.cut_short(question.command)

    async def _asked_for(self, question: Question) -> Answer:
        query = self._queries.by_command.get(type(question.command))
        if query is not None:
            return await query(question.command)
        act = self._actions.by_command[type(question.command)]
        return await act(question.peer, question.op, question.command)
