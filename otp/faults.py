"""Faults on purpose: workers of a running tree made to fail, to see what the supervision makes of it.

    crash        the worker raises `InjectedCrash`; each incarnation that follows again, the moment it is up
    cancel       its task is cancelled by somebody who is not its supervisor
    hang         it makes no progress: it is there, does nothing and awaits for ever
    block-loop   it does not give the event loop back
    flap         it crashes, and each incarnation that follows is left up for a moment before it crashes too

A tree is opened with them, `open_supervisor(faults.around(spec))`, and its workers know nothing of it: each runs in a
cancel scope that is cancelled when it is hit. So its `finally` blocks run as in a stop, and then the fault follows. A
worker that shields itself is hit when it is through with that.

Nothing is left over: each injection is over after its `seconds`, and `clear` ends it at once. An incident that comes
of it can be told apart by its exception; with `Incidents.injecting(path, injection.marked_until)` it is marked too.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import update_wrapper
from typing import Any, Literal, get_args

import anyio
from anyio.abc import TaskStatus
from anyio.lowlevel import checkpoint
from msgspec import Struct

from otp.core.paths import join
from otp.errors import FaultError, NotFound, NotSupported
from otp.spec import ChildSpec, SupervisorSpec

__all__ = ("FLAP_UP", "LONGEST_BLOCK", "MARGIN", "FaultKind", "Faults", "InjectedCrash", "Injection", "each_worker")

FaultKind = Literal["crash", "cancel", "hang", "block-loop", "flap"]

FLAP_UP = 0.1
"""Seconds that an incarnation of a flapping worker is up."""

LONGEST_BLOCK = 60.0
"""Seconds that an event loop may be blocked on purpose."""

MARGIN = 5.0
"""Seconds that a worker may take to clean up after it was hit: its failure still counts as injected."""


class InjectedCrash(RuntimeError):
    """Somebody made this worker crash."""


class Injection(Struct, frozen=True):
    """What is going on at one worker.

    Attributes:
        path: the worker, from the root of the tree.
        kind: what happens to it.
        left: hits that are still to come; None: as many as there is time for.
        until: when it is over, on the tree's clock.
    """

    path: str
    kind: FaultKind
    left: int | None
    until: float

    @property
    def marked_until(self) -> float:
        """Until when a failure of the worker is due to it: a hang ends with a crash, and cleaning up takes time."""
        return self.until + MARGIN


class _Fault:
    """An injection as it changes.

    Attributes:
        left: hits still to come.
        hits: the incarnation that is being hit.
        until: when it is over.
    """

    def __init__(self, path: str, kind: FaultKind, times: float, until: float) -> None:
        self.path = path
        self.kind: FaultKind = kind
        self.left = times
        self.until = until
        self.hits: _Incarnation | None = None

    @property
    def is_over(self) -> bool:
        return anyio.current_time() >= self.until or (self.left == 0 and self.hits is None)

    def shown(self) -> Injection:
        return Injection(self.path, self.kind, None if self.left == math.inf else int(self.left), self.until)


class _Incarnation:
    """A worker that runs, and the scope that it is hit by.

    Attributes:
        up: it can be hit.
        body: cancelled to end the worker.
        hang: what it hangs in, while it does.
        fault: what it is hit by.
    """

    def __init__(self, *, up: bool) -> None:
        self.up = up
        self.body = anyio.CancelScope()
        self.hang: anyio.CancelScope | None = None
        self.fault: _Fault | None = None
        self._task = asyncio.current_task() if anyio.get_cancelled_exc_class() is asyncio.CancelledError else None

    def hit(self, fault: _Fault, *, after: float = 0.0) -> None:
        """End what the worker does, now or after so many seconds; then the fault follows."""
        self.fault = fault
        fault.left -= 1
        fault.hits = self
        if after:
            self.body.deadline = anyio.current_time() + after
        elif fault.kind == "cancel" and self._task is not None:
            self._task.cancel()
        else:
            self.body.cancel()

    def release(self) -> None:
        """It is not hit any more; if it hangs already, that is over."""
        self.body.deadline = math.inf
        if self.hang is not None:
            self.hang.cancel()


class Faults:
    """The faults of one tree. All methods are for its event loop.

    Args:
        sleep: what blocks the event loop; for tests.
    """

    def __init__(self, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._workers: tuple[str, ...] = ()
        self._supervisors: tuple[str, ...] = ()
        self._running: dict[str, _Incarnation] = {}
        self._faults: dict[str, _Fault] = {}

    def around(self, spec: SupervisorSpec) -> SupervisorSpec:
        """The same tree with every worker of it, at all levels, such that it can be hit.

        Children that are added later, by `start_child`, cannot.
        """
        workers: list[str] = []

        def exposed(path: str, worker: ChildSpec) -> ChildSpec:
            workers.append(path)
            return replace(worker, run=self._exposed(path, worker))

        changed = each_worker(spec, exposed)
        self._workers = tuple(workers)
        self._supervisors = tuple(_supervisors(spec))
        return changed

    def inject(self, path: str, kind: FaultKind, *, times: int | None = None, seconds: float = 30.0) -> Injection:
        """Hit a worker: at once, or as soon as it is up if it is starting.

        A hang ends when the injection is over, with `InjectedCrash`; a stop ends it at once. A blocked loop ends then
        too, and nothing ends it before. On trio, where only a scope can cancel, `cancel` is the `Cancelled` of a scope
        inside the worker that escapes from it.

        Args:
            path: the worker, from the root of the tree.
            kind: what happens to it.
            times: incarnations that are hit. None: one; if it flaps, as many as there is time for.
            seconds: until all of it is over.

        Raises:
            NotFound: there is no such worker, or it was added later.
            NotSupported: it is a supervisor.
            FaultError: it is down, something is injected there already, or the numbers make no sense.
        """
        self._check_path(path)
        _check(path, kind, times, seconds)
        many = math.inf if kind == "flap" else 1
        fault = _Fault(path, kind, many if times is None else times, anyio.current_time() + seconds)
        self._faults[path] = fault
        running = self._running[path]
        if running.up:
            running.hit(fault)
        return fault.shown()

    def active(self) -> tuple[Injection, ...]:
        """What is going on, in the order of its beginning."""
        self._faults = {path: fault for path, fault in self._faults.items() if not fault.is_over}
        return tuple(fault.shown() for fault in self._faults.values())

    def clear(self) -> None:
        """End all of it: nobody is hit any more, and who hangs crashes now."""
        for fault in self._faults.values():
            fault.until = -math.inf
            if fault.hits is not None:
                fault.hits.release()
        self._faults.clear()

    def _check_path(self, path: str) -> None:
        if path in self._supervisors:
            raise NotSupported(path, "a fault", "supervisors; name a worker")
        if path not in self._workers:
            raise NotFound(path, self._workers)
        if path not in self._running:
            raise FaultError(path, "it is not running; start it first, or wait until it is")
        for other in self.active():
            if other.path == path:
                seconds = other.until - anyio.current_time()
                raise FaultError(
                    path, f"{other.kind} is injected there already, for {seconds:.1f} s more; wait until that is over"
                )

    # ------------------------------------------------------------------------------------------------ one worker

    def _exposed(self, path: str, worker: ChildSpec) -> Callable[..., Awaitable[object]]:
        async def exposed(*args: Any, **options: Any) -> object:
            running = self._running[path] = _Incarnation(up=not worker.ready)
            try:
                if worker.ready:
                    options["task_status"] = _Noting(options["task_status"], lambda: self._is_up(path, running))
                else:
                    self._is_up(path, running)
                return await self._run(running, worker.run(*args, **options))
            finally:
                if running.fault is not None:
                    running.fault.hits = None
                if self._running.get(path) is running:
                    del self._running[path]

        return update_wrapper(exposed, worker.run)

    def _is_up(self, path: str, running: _Incarnation) -> None:
        """This incarnation is hit too if there are hits left, and time."""
        running.up = True
        fault = self._faults.get(path)
        if fault is None or fault.left == 0:
            return
        after = FLAP_UP if fault.kind == "flap" else 0.0
        if anyio.current_time() + after < fault.until:
            running.hit(fault, after=after)

    async def _run(self, running: _Incarnation, work: Awaitable[object]) -> object:
        """Do the worker's work until it ends or is hit, and then what it is hit by."""
        result: object = None
        escaping: BaseException | None = None
        try:
            with running.body:
                try:
                    result = await work
                except BaseException as error:
                    escaping = error
                    raise
            fault = running.fault
            if fault is None or not running.body.cancel_called:
                return result
            await checkpoint()  # a stop that came meanwhile goes first
            if fault.kind != "cancel":
                await self._strike(running, fault)
            elif escaping is not None:
                raise escaping
            return result
        finally:
            del escaping

    async def _strike(self, running: _Incarnation, fault: _Fault) -> None:
        if fault.kind == "hang":
            with anyio.CancelScope(deadline=fault.until) as running.hang:
                await anyio.sleep_forever()
        elif fault.kind == "block-loop":
            self._sleep(max(0.0, fault.until - anyio.current_time()))
        raise InjectedCrash(f"{fault.kind} was injected")


class _Noting:
    """A `task_status` that takes note of the worker being up."""

    def __init__(self, task_status: TaskStatus[Any], noted: Callable[[], None]) -> None:
        self._task_status = task_status
        self._noted = noted

    def started(self, value: object = None) -> None:
        self._task_status.started(value)
        self._noted()


def each_worker(spec: SupervisorSpec, change: Callable[[str, ChildSpec], ChildSpec], above: str = "") -> SupervisorSpec:
    """The same tree with every worker changed.

    Args:
        spec: the tree.
        change: from a worker's path and spec to its spec in the new tree.
        above: path of what `spec` stands under.
    """
    path = join(above, spec.id)
    children = (
        each_worker(child, change, path) if isinstance(child, SupervisorSpec) else change(join(path, child.id), child)
        for child in spec.children
    )
    return replace(spec, children=tuple(children))


def _supervisors(spec: SupervisorSpec, above: str = "") -> Iterator[str]:
    path = join(above, spec.id)
    yield path
    for child in spec.children:
        if isinstance(child, SupervisorSpec):
            yield from _supervisors(child, path)


def _check(path: str, kind: str, times: int | None, seconds: float) -> None:
    if kind not in get_args(FaultKind):
        raise FaultError(path, f"expected one of {', '.join(get_args(FaultKind))}, got {kind!r}")
    if times is not None and (not isinstance(times, int) or times < 1):  # pyright: ignore[reportUnnecessaryIsInstance] # for the unchecked
        raise FaultError(path, f"times: expected a whole number above 0, got {times!r}")
    if not 0 < seconds < math.inf:
        raise FaultError(path, f"seconds: expected finite seconds above 0, got {seconds!r}")
    if kind == "block-loop" and seconds > LONGEST_BLOCK:
        raise FaultError(path, f"block-loop is for {LONGEST_BLOCK:g} s at the most, got {seconds:g} s")
