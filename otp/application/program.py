"""One run of one tree, from its start to its exit code. Signals reach it directly, or through a watchman."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio

from otp.application.host import Host, open_host
from otp.application.leftovers import listed, tasks_left
from otp.application.options import Options
from otp.application.shutdown_report import named
from otp.application.signals import signals_heard
from otp.application.watchman import FAILED, Watchman
from otp.core.plan import Phase
from otp.errors import CallbackError, FatalFailure, HostError, OTPError, SpecError, SupervisionLost
from otp.faults import Faults
from otp.foreign.causes import causes
from otp.foreign.guard import CallFailed, Role, call
from otp.observe.fallback_log import flush_outlets
from otp.observe.logger import logger
from otp.observe.observation import Observation
from otp.runtime.attempt import attempt
from otp.runtime.crash import report
from otp.runtime.handle import Supervisor
from otp.runtime.reporter import EventHook
from otp.spec import DEFAULT_SHUTDOWN, SupervisorSpec

Beside = Callable[[Supervisor], Coroutine[Any, Any, None]]
"""An async function that runs from the start of the tree to its end, when it is cancelled; if it raises, the tree stops."""

OK = 0
MISCONFIGURED = 78

LAST_CHANCE = 0.2
"""Seconds for a child that has refused to stop to end after all, before the process ends under it."""


@dataclass(eq=False, kw_only=True)
class Program:
    """One run of one tree; its watchman sees it as a `Watched`.

    Attributes:
        spec: the tree, without faults.
        hooks: called with every event.
        grace: seconds that a stop in order may take, unless there is a watchman.
        options: health port, loop watch and control.
        faults: what injects faults into the workers; None: nothing does.
        observation: history and incidents that exist already; None: made here.
        opened: called with the handle before the first child is started.
        beside: run from the start of the tree to its end.
        watchman: ends the process, and receives the signals; None: the process goes on when the tree has ended.
    """

    spec: SupervisorSpec
    hooks: tuple[EventHook, ...]
    grace: float
    options: Options
    faults: Faults | None = None
    observation: Observation | None = None
    opened: Callable[[Supervisor], None] | None = None
    beside: tuple[Beside, ...] = ()
    watchman: Watchman | None = None
    _code: int = field(default=OK, init=False)
    _failure: CallbackError | None = field(default=None, init=False)
    _host: Host = field(init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)

    async def main(self) -> int:
        """Run it; returns the exit code."""
        spec = self.spec if self.faults is None else self.faults.around(self.spec)
        try:
            with ExitStack() as listening:
                # Opened first and closed last: at no moment is a signal lost.
                signals = listening.enter_context(self._listening())
                opening = open_host(spec, self.hooks, self.options, observation=self.observation, faults=self.faults)
                async with opening as self._host:
                    if self.watchman is not None:
                        with suppress(RuntimeError):  # trio, which waits for no tasks but those of the tree
                            self._loop = asyncio.get_running_loop()
                        self._host.report.began = self.watchman.stops
                        self.watchman.watch(self)
                    await self._live(signals, listening)
        except Exception as failure:  # noqa: BLE001 # whatever ended the tree, the program ends with a code
            code = self._code or code_of(failure)
            if self.watchman is not None:
                self.watchman.over(code)  # before anything is written
            _log_failure(failure)
            return code
        return self._code

    async def _live(self, signals: AsyncIterator[signal.Signals] | None, listening: ExitStack) -> None:
        tree = self._host.tree
        with anyio.CancelScope() as life:
            tree.cancel_when_ended(life)
            if self.opened is not None:
                self._stop_if_failed(call(Role.OPENED, "", self.opened, Supervisor(tree)))
            async with anyio.create_task_group() as others:
                for run_beside in self.beside:
                    others.start_soon(self._run_beside, run_beside)
                if tree.exit is None:  # else `opened` has stopped it
                    tree.root.begin()
                try:
                    await (anyio.sleep_forever() if signals is None else self._obey(signals))
                finally:
                    self._ended()
        with anyio.move_on_after(LAST_CHANCE):
            await tree.gone.wait()
        self._ended()
        if not tree.gone.is_set():
            self._refused(listening)
        if self._failure is not None:
            raise self._failure

    def _ended(self) -> None:
        """Start the time that the process has left after its tree, before anything else is waited for."""
        if self.watchman is not None and self._host.tree.exit is not None:
            self.watchman.over(self._code_so_far())

    async def _run_beside(self, run_beside: Beside) -> None:
        handle = Supervisor(self._host.tree)
        self._stop_if_failed(
            await attempt(Role.BESIDE, "", run_beside, handle, owner=run_beside, grace=DEFAULT_SHUTDOWN)
        )

    def _stop_if_failed(self, said: object) -> None:
        """If a function of the program's own has failed, the program is not what was meant: stop the tree in order."""
        if type(said) is not CallFailed:
            return
        tree = self._host.tree
        tree.reporter.call_failed(tree.root.machine.path, said)
        tree.reporter.wake()
        if said.interrupt is None and self._failure is None:
            self._failure = CallbackError(said.role, said.name)
            self._failure.__cause__ = said.error
        tree.stop()

    @contextmanager
    def _listening(self) -> Generator[AsyncIterator[signal.Signals] | None]:
        """Receive the signals; None: the watchman receives them."""
        if self.watchman is None:
            with signals_heard() as signals:
                yield signals
        else:
            with self.watchman.watching():
                yield None

    async def _obey(self, signals: AsyncIterator[signal.Signals]) -> None:
        """Stop the tree in order at the first signal, at once at the second; then wait to be cancelled by its end."""
        last = await anext(signals)
        self.stop(last)
        with anyio.move_on_after(self.grace):
            last = await anext(
                number async for number in signals if number != signal.SIGHUP
            )  # a terminal may say so twice
        self.stop_at_once(128 + last)
        await anyio.sleep_forever()

    def stop(self, number: int) -> None:
        """Stop in order, on this signal."""
        tree = self._host.tree
        if tree.root.machine.phase not in (Phase.STOPPING, Phase.DONE):
            self._host.report.cause = signal.Signals(number).name
        tree.stop()

    def stop_at_once(self, code: int) -> None:
        """End all that is left, and exit with this code."""
        self._code = code
        self._host.tree.stop(brutal=True)

    def soon(self, scheduled: Callable[[], object], /) -> object:
        """Schedule a call in the event loop, from any thread; RuntimeError once the loop is closed."""
        return self._host.tree.spawner.soon(scheduled)

    def last_words(self, code: int, others: str) -> str:
        """A line that names what still runs when the process ends, children first, `others` last."""
        tree, report = self._host.tree, self._host.report
        refused = [child for child in tree.workers() if child.path in report.still]
        live = [child for child in tree.workers() if child.path not in report.still]
        names = [named(child.path, child.chain()) for child in live]
        known = [child.coroutine for child in (*live, *refused)]
        tasks = [] if self._loop is None else list(tasks_left(self._loop, known))
        said = report.last_words(code, *filter(None, (listed(names), listed(tasks), others)))
        return f"{said.level: <8} {tree.root.machine.path}  {said.text}"

    def _refused(self, listening: ExitStack) -> None:
        """A child that cannot be killed still runs: end the process, or name the child if the process is not ours to end."""
        if self.watchman is None:
            listening.close()
            self._host.say_who_is_left()
        else:
            self._host.tree.reporter.deliver()
            flush_outlets()
            self.watchman.end()

    def _code_so_far(self) -> int:
        failure = self._failure or self._host.tree.failure()
        return self._code or (OK if failure is None else code_of(failure))


def _log_failure(failure: Exception) -> None:
    kind = type(failure)
    if issubclass(kind, HostError):
        logger.critical("{}", failure)
    elif issubclass(kind, CallbackError | SupervisionLost):
        logger.critical("{}:\n{}", failure, report(failure))
    elif not issubclass(kind, OTPError):  # what children raise comes as StartError or IntensityReached, and was told
        logger.critical("otp itself failed, please report it:\n{}", report(failure))


def code_of(failure: BaseException) -> int:
    """The exit code for what ended a program."""
    match failure:
        case SystemExit(code=None):
            return OK
        case SystemExit(code=int(code)):
            return code & 0xFF
        case KeyboardInterrupt():
            return 128 + signal.SIGINT
        case _ if not issubclass(type(failure), Exception):
            return 1  # as Python has it
        case _:
            wrong = any(issubclass(type(error), SpecError | FatalFailure | HostError) for error in causes(failure))
            return MISCONFIGURED if wrong else FAILED
