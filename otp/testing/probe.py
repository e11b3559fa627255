"""A worker to test supervisors with: it notes what happens to it, and fails on plan or when told."""

from typing import Any

import anyio
from anyio.abc import TaskStatus
from msgspec import Struct

from otp.errors import Ignore
from otp.spec import ChildSpec, worker


class Run(Struct, frozen=True):
    """Run until stopped, and take so long to clean up.

    Attributes:
        cleanup: seconds, shielded from cancellation.
        error: raised while cleaning up.
    """

    cleanup: float = 0.0
    error: Exception | None = None


class Crash(Struct, frozen=True):
    """Become ready, then raise after so many seconds."""

    error: BaseException
    after: float = 0.0


class Finish(Struct, frozen=True):
    """Become ready, then return after so many seconds."""

    after: float = 0.0


class FailStart(Struct, frozen=True):
    """Raise before being ready."""

    error: BaseException
    after: float = 0.0


class IgnoreStart(Struct, frozen=True):
    """Raise `Ignore` before being ready."""


class Hang(Struct, frozen=True):
    """Never become ready."""


class Refuse(Struct, frozen=True):
    """Run until stopped, and then go on for so many seconds, whatever is asked."""

    seconds: float


Act = Run | Crash | Finish | FailStart | IgnoreStart | Hang | Refuse
Journal = list[str]


class Probe:
    """A worker with a plan: one act for each incarnation, the last one for all that follow.

    Attributes:
        journal: `"start NAME"` and `"end NAME"` in the order in which they happened; probes may share one.
        starts: incarnations begun.
        alive: incarnations that have begun and not ended. More than one is a bug of the supervisor.
    """

    def __init__(self, name: str, *plan: Act, journal: Journal | None = None) -> None:
        self.name = name
        self.journal: Journal = [] if journal is None else journal
        self.starts = 0
        self.alive = 0
        self._plan = plan or (Run(),)
        self._told: Crash | Finish | None = None
        self._telling = anyio.Event()

    def spec(self, **options: Any) -> ChildSpec:
        """A child spec of that name; `ready=True` unless said otherwise. The options are those of `worker()`."""
        options.setdefault("ready", True)
        return worker(self.name, self.run, **options)

    def crash(self, error: BaseException | None = None) -> None:
        """Make the running incarnation raise."""
        self._tell(Crash(error or RuntimeError(f"{self.name} was told to crash")))

    def finish(self) -> None:
        """Make the running incarnation return."""
        self._tell(Finish())

    async def run(self, *, task_status: TaskStatus[Any] = anyio.TASK_STATUS_IGNORED) -> None:
        """Live one incarnation."""
        act = self._plan[min(self.starts, len(self._plan) - 1)]
        self.starts += 1
        self.alive += 1
        self.journal.append(f"start {self.name}")
        self._telling = anyio.Event()
        try:
            await self._live(act, task_status)
        finally:
            self.alive -= 1
            self.journal.append(f"end {self.name}")

    def _tell(self, act: Crash | Finish) -> None:
        self._told = act
        self._telling.set()

    async def _live(self, act: Act, task_status: TaskStatus[Any]) -> None:
        match act:
            case FailStart(error, after):
                await anyio.sleep(after)
                raise error
            case IgnoreStart():
                raise Ignore
            case Hang():
                await anyio.sleep_forever()
            case Crash(error, after):
                task_status.started(self.starts)
                await self._wait(after)
                raise error
            case Finish(after):
                task_status.started(self.starts)
                await self._wait(after)
            case Run(cleanup, error):
                task_status.started(self.starts)
                try:
                    await self._obey()
                finally:
                    await self._clean_up(cleanup, error)
            case Refuse(seconds):
                task_status.started(self.starts)
                await self._refuse(seconds)

    async def _wait(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def _obey(self) -> None:
        await self._telling.wait()
        told, self._told = self._told, None
        if isinstance(told, Crash):
            raise told.error

    async def _clean_up(self, seconds: float, error: Exception | None) -> None:
        with anyio.CancelScope(shield=True):
            if seconds:
                await anyio.sleep(seconds)
        if error is not None:
            raise error

    async def _refuse(self, seconds: float) -> None:
        try:
            await self._obey()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(seconds)
