"""Plays scenarios on the full runtime: real tasks, real cancellation, virtual time, on asyncio and trio.

What happens is noted where it happens, in the effects that a running supervisor executes and in the ends that it is
told of, because a task may be stopped before its first line has run.

Scenarios whose requests wait for a busy supervisor are not for it: ours does not let them wait (D4).
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from unittest.mock import patch

import anyio
from anyio.abc import TaskStatus

from otp.core import effects, inputs
from otp.errors import Ignore, OTPError, SpecError
from otp.events import IntensityReached, SupervisorExited
from otp.exits import Crashed, Shutdown
from otp.runtime.child import TaskChild
from otp.runtime.handle import Supervisor
from otp.runtime.open import open_tree
from otp.runtime.supervisor import RunningSupervisor
from otp.runtime.tree import Tree
from otp.spec import SupervisorSpec
from otp.testing import virtual_backend
from tests.conformance import scenario as sc
from tests.conformance import specs
from tests.conformance.deviations import quiet_end, whole_seconds
from tests.conformance.erlang import as_started
from tests.conformance.scenario import PHASE, How, OnStop, Outcome, Request, Scenario, Step, Worker
from tests.conformance.trace import Answer, Entry, Snapshot, Told, Trace

QUIET = 1e-3
"""Virtual seconds after which all is quiet: what refuses has been killed, and nothing else takes time."""

_SOON = 1e-5
"""Seconds that pass only when every task that could run has run; some clocks round to a microsecond."""

_LATE = 1.5 * specs.REFUSAL
"""Seconds after which a worker that refuses has been killed."""


def play(scenario: Scenario, backend: Literal["asyncio", "trio"]) -> Trace:
    """The trace of a scenario, in a new event loop."""
    name, options = virtual_backend(backend)
    return anyio.run(_Player(scenario).play, backend=name, backend_options=options)


class _Player:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.plans = {plan.worker: deque(plan.outcomes) for plan in scenario.plans}
        self.begun: dict[str, Outcome] = {}
        self.told: dict[str, How] = {}
        self.telling: dict[str, anyio.Event] = {}
        self.chain: list[str] = []
        self.entries: list[Entry] = []
        self.starts = 0

    async def play(self) -> Trace:
        """The trace."""
        spec = specs.spec(self.scenario.tree, self.run)
        assert isinstance(spec, SupervisorSpec)
        trace: Trace = []
        with whole_seconds(), quiet_end(), self._observed():
            await anyio.sleep(PHASE)
            try:
                async with open_tree(spec, ()) as tree:
                    self.entries.append(("begin", spec.id))
                    tree.root.begin()
                    trace.append(await self._quiet(tree, []))
                    await self._play_on(tree, trace)
            except OTPError:  # it gave up, or did not start; the trace says so
                pass
        return trace

    async def _play_on(self, tree: Tree, trace: Trace) -> None:
        for step in self.scenario.steps:
            if tree.exit is not None:
                return
            trace.append(await self._quiet(tree, await self._do(tree, step)))
        if tree.exit is None:
            tree.stop()
            trace.append(await self._quiet(tree, []))

    async def _quiet(self, tree: Tree, answers: list[Answer]) -> Told:
        await anyio.sleep(QUIET)
        entries, self.entries = self.entries, []
        running = sorted(_running(tree.root), key=lambda each: each.machine.spec.id) if tree.exit is None else []
        return Told(entries, answers, [_snapshot(supervisor) for supervisor in running])

    # ------------------------------------------------------------------------------------------------ the workers

    async def run(self, worker: Worker, *, task_status: TaskStatus[Any] = anyio.TASK_STATUS_IGNORED) -> None:
        """One incarnation.

        What it does by itself comes after all that is told of in the same tick, in the order of the starts, and a crash
        comes before the failure of one that is started behind it: so they stand in OTP's mailbox.
        """
        self.starts += 1
        soon = _SOON + self.starts * _SOON / 1_000
        match self.begun[worker.id]:
            case Outcome.FAIL:
                await anyio.sleep(2 * soon)
                raise RuntimeError("fail")
            case Outcome.IGNORE:
                await anyio.sleep(2 * soon)
                raise Ignore
            case Outcome.CRASH:
                task_status.started("up")
                await anyio.sleep(soon)
                raise RuntimeError("crash")
            case Outcome.OK:
                self.telling[worker.id] = anyio.Event()
                task_status.started("up")
                await self._live(worker)

    async def _live(self, worker: Worker) -> None:
        try:
            await self.telling[worker.id].wait()
        except anyio.get_cancelled_exc_class():
            if worker.id not in self.told and await self._obeys(worker):
                raise
        finally:
            if self.chain and self.chain[0] == worker.id:
                self.chain.pop(0)
                self._tell_next()
        self._end(worker.id)

    def _end(self, id: str) -> None:
        how = self.told.pop(id, None)
        error = None if how is None else specs.error_of(how)
        if error is not None:
            raise error

    async def _obeys(self, worker: Worker) -> bool:
        """What a worker does that is asked to stop; one that is killed has no say in it (D7)."""
        if worker.shutdown is sc.Shutdown.BRUTAL_KILL:
            return True
        match worker.on_stop:
            case OnStop.RAISE:
                raise RuntimeError("crash")
            case OnStop.REFUSE:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(_LATE)
            case _:
                pass
        return worker.on_stop is not OnStop.RETURN

    # ------------------------------------------------------------------------------------------------ what is noted

    @contextmanager
    def _observed(self) -> Iterator[None]:
        start = RunningSupervisor._EXECUTE[effects.Start]
        emit = RunningSupervisor._EXECUTE[effects.Emit]
        ended = RunningSupervisor.ended

        def note_start(supervisor: RunningSupervisor, effect: effects.Start) -> None:
            self._started(effect)
            start(supervisor, effect)

        def note_event(supervisor: RunningSupervisor, effect: effects.Emit) -> None:
            self._emitted(supervisor, effect)
            emit(supervisor, effect)

        def note_end(supervisor: RunningSupervisor, id: str, child: TaskChild | RunningSupervisor, event: Any) -> None:
            if isinstance(child, TaskChild) and self.begun[id] is Outcome.OK:
                self.entries.append(("exit", id, specs.reason(event.exit)))
            ended(supervisor, id, child, event)

        noted = {effects.Start: note_start, effects.Emit: note_event}
        with patch.dict(RunningSupervisor._EXECUTE, noted), patch.object(RunningSupervisor, "ended", note_end):
            yield

    def _started(self, effect: effects.Start) -> None:
        if isinstance(effect.spec, SupervisorSpec):
            self.entries.append(("begin", effect.child))
            return
        plan = self.plans.get(effect.child)
        self.begun[effect.child] = plan.popleft() if plan else Outcome.OK
        self.entries.append(("start", effect.child, self.begun[effect.child]))

    def _emitted(self, supervisor: RunningSupervisor, effect: effects.Emit) -> None:
        id = supervisor.machine.spec.id
        match effect.event:
            case IntensityReached(offender=offender):
                self.entries.append(("gives_up", id, offender.rpartition("/")[2]))
            case SupervisorExited(exit=exit) if supervisor._up:
                self.entries.append(("exit", id, specs.reason_of_supervisor(exit)))
            case SupervisorExited():
                self.entries.append(("undone", id))
            case _:
                pass

    # ------------------------------------------------------------------------------------------------ the steps

    async def _do(self, tree: Tree, step: Step) -> list[Answer]:
        match step:
            case sc.Plan(worker, outcomes):
                self.plans[worker] = deque(outcomes)
            case sc.Wait(seconds):
                await anyio.sleep(seconds - QUIET)
            case sc.End(worker, how):
                await self._tell(tree, {worker: how})
            case sc.Tick(_, actions):
                ends: dict[str, How] = {}
                for action in actions:
                    ends.setdefault(action.worker, action.how)
                await self._tell(tree, ends)
            case sc.Stray(supervisor):
                self._stray(tree, supervisor)
            case _:
                return [await self._ask(tree, step)]
        return []

    async def _tell(self, tree: Tree, ends: dict[str, How]) -> None:
        """Let these workers end, one right after the other; their ends come first in the trace, as in a mailbox."""
        live = {id for supervisor in _running(tree.root) for id in supervisor.live}
        self.told = {id: how for id, how in ends.items() if id in live and id in self.telling}
        self.chain = list(self.told)
        first = list(self.told)
        self._tell_next()
        await anyio.sleep(QUIET / 2)
        ended = [next(e for e in self.entries if e[:2] == ("exit", id)) for id in first]
        for entry in ended:
            self.entries.remove(entry)
        self.entries[:0] = ended

    def _tell_next(self) -> None:
        if self.chain:
            self.telling[self.chain[0]].set()

    def _stray(self, tree: Tree, id: str) -> None:
        supervisor = next((s for s in _running(tree.root) if s.machine.spec.id == id), None)
        if supervisor is not None:
            supervisor.feed(inputs.Exited("nobody", 1, Shutdown()))
            for child in tuple(supervisor.machine.children.values()):
                supervisor.feed(inputs.Exited(child.spec.id, child.generation - 1, Crashed(RuntimeError())))

    async def _ask(self, tree: Tree, request: Request) -> Answer:
        running = next((s for s in _running(tree.root) if s.machine.spec.id == request.supervisor), None)
        if running is None:
            return "noproc"
        handle = Supervisor(tree, tuple(running.machine.path.split("/")[1:]))
        try:
            return await self._answer(handle, running, request)
        except (OTPError, SpecError) as error:
            return specs.answer(error, gives_value=False)

    async def _answer(self, handle: Supervisor, running: RunningSupervisor, request: Request) -> Answer:
        children = running.machine.children
        match request:
            case sc.WhichChildren():
                return specs.which(children)
            case sc.CountChildren():
                return specs.counts(children)
            case sc.GetChildspec(_, child):
                return specs.described(handle.get_childspec(child))
            case sc.StartChild(_, child):
                spec = specs.spec(as_started(self.scenario, request.supervisor, child), self.run)
                return specs.answer(await handle.start_child(spec), gives_value=specs.gives_value(spec))
            case sc.RestartChild(_, child):
                gives_value = child in children and specs.gives_value(children[child].spec)
                return specs.answer(await handle.restart_child(child), gives_value=gives_value)
            case sc.TerminateChild(_, child):
                await handle.terminate_child(child)
            case sc.DeleteChild(_, child):
                await handle.delete_child(child)
        return "ok"


def _running(supervisor: RunningSupervisor) -> Iterator[RunningSupervisor]:
    yield supervisor
    for child in supervisor.live.values():
        if isinstance(child, RunningSupervisor):
            yield from _running(child)


def _snapshot(supervisor: RunningSupervisor) -> Snapshot:
    children = supervisor.machine.children
    return supervisor.machine.spec.id, specs.which(children), specs.counts(children)
