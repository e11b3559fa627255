"""Holds what a machine does against the promises of docs/semantics.md; a broken one raises `AssertionError`."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

from otp import events
from otp.core import inputs
from otp.core.child import Child, ChildState, Purpose
from otp.core.machine import SupervisorMachine
from otp.core.paths import id_of
from otp.core.plan import Phase, Plan
from otp.errors import Hung
from otp.events import Cause
from otp.exits import Killed
from otp.spec import AnySpec, Restart
from otp.testing.happenings import Asks

_KILLED = Killed()
_HUNG = Hung("", 0.0, ())
_ASKS_FOR_A_START = (inputs.StartChild, inputs.RestartChild, inputs.RestartNow)


class Body(Protocol):
    """A living incarnation of a child.

    Attributes:
        generation: its number.
        up: it has said so.
        ordered: "stop" or "kill" once it was asked to; else empty.
        refused: it was not gone in time after it was killed.
    """

    generation: int
    up: bool
    ordered: str
    refused: bool


class Witness:
    """What somebody who watches one supervisor remembers.

    Attributes:
        stamps: when restarts were counted, all of them: the window as a naive count.
        terminated: children that were stopped by request and not started since; what the supervisor was busy with
            then, and the older requests that were open: neither may start it any more.
        brutal: it was killed, so that its children need no order.
        set_aside: children that are down over their maintenance: only it being over, or a request, starts them.
        were_up: children that have been up; None once the supervisor itself is.
        kept_down: children whose end or start by request failed, and which stay down for that.
        by_request: children whose newest start was asked for, or taken along by one that was, until they are up.
    """

    def __init__(self, machine: SupervisorMachine) -> None:
        self.machine = machine
        self.stamps: list[float] = []
        self.terminated: dict[str, tuple[Plan | None, frozenset[str]]] = {}
        self.set_aside: set[str] = set()
        self.brutal = False
        self.stopping = False
        self.were_up: set[str] | None = set()
        self.kept_down: set[str] = set()
        self.by_request: set[str] = set()
        self._started: dict[str, tuple[Child, int]] = {}
        self._causes: dict[str, Cause] = {}
        self._plan: Plan | None = None
        self._defers = False
        self._tried_again: set[str] = set()

    def before(self) -> None:
        """The machine is about to be told something."""
        self._plan, self._defers = self.machine.plan, bool(self.machine.deferred)
        children = self.machine.children.items()
        self._tried_again = {id for id, child in children if child.state is ChildState.RESTARTING}
        self._causes.clear()

    def after(self) -> None:
        """All that it wanted is done."""
        for record in (self.terminated, self._started):
            for id in [id for id in record if id not in self.machine.children]:
                del record[id]
        for ids in (self.set_aside, self.kept_down, self.by_request):
            ids.intersection_update(self.machine.children)

    def saw(self, event: events.Event, now: float) -> None:  # noqa: C901 # one arm an event
        """An event: restarts are counted here once more (S27)."""
        match event:
            case events.ChildRestarting(path=path, cause=cause):
                id = id_of(path)
                self._causes[id] = cause
                self._restarts(id, event, now)
            case events.ChildDelayed(path=path, expected=expected, used=used):
                if not expected and id_of(path) not in self.by_request:
                    self._is_granted(used, now)
            case events.IntensityReached(period=period) if period == self.machine.spec.period:
                count = self._count(now)
                assert count > self.machine.spec.intensity, f"restart {count} within the period is refused"
            case events.ChildPaused(path=path):
                self.set_aside.add(id_of(path))
            case events.ChildExited(path=path):
                self.set_aside.discard(id_of(path))
            case events.ChildStarted(path=path):
                self.by_request.discard(id_of(path))
                if self.were_up is not None:
                    self.were_up.add(id_of(path))
            case events.SupervisorStarted():
                self.were_up = None
            case events.SupervisorStopping():
                self.stopping = True
            case _:
                pass

    def _restarts(self, id: str, event: events.ChildRestarting, now: float) -> None:
        """A restart over a failure costs a credit at once; one that was delayed or held has paid, or costs nothing."""
        asked = event.cause is Cause.MANUAL or (event.cause is Cause.COLLATERAL and self._is_asked_for())
        (self.by_request.add if asked else self.by_request.discard)(id)
        if event.cause is Cause.CRASH and event.exit is not None and not self._is_expected(id, event.verdict):
            self._is_granted(event.used, now)

    def _is_asked_for(self) -> bool:
        return self.machine.plan is not None and self.machine.plan.purpose is Purpose.REQUEST

    def _is_expected(self, id: str, verdict: str) -> bool:
        policy = self.machine.children[id].spec.policy
        return policy is not None and any(rule.name == verdict and rule.expected for rule in policy.rules)

    def _is_granted(self, used: int, now: float) -> None:
        count = self._count(now)
        assert count <= self.machine.spec.intensity, f"restart {count} within the period is granted"
        assert used == count, f"{used} restarts are said to be within the period, where {count} are"

    def _count(self, now: float) -> int:
        self.stamps.append(now)
        return sum(now - self.machine.spec.period <= stamp for stamp in self.stamps)

    def starts(
        self, id: str, generation: int, spec: AnySpec, live: Mapping[str, Body], asked: Mapping[str, Asks]
    ) -> None:
        """A child is started while those requests to its supervisor are open."""
        child = self.machine.children[id]
        wanted = {token: asks for token, asks in asked.items() if asks.child == id}
        record, last = self._started.get(id, (None, 0))
        if record is not child:
            last = 0
            static = record is None and any(spec.id == id for spec in self.machine.spec.children)
            added = any(isinstance(asks.request, inputs.StartChild) for asks in wanted.values())
            assert static or added, f"{id} is started anew, and nobody asked for it"
        assert generation == last + 1, f"generation {generation} of {id} follows {last}"
        assert generation == 1 or spec.restart is not Restart.TEMPORARY, f"temporary {id} is restarted"
        if self.were_up is not None and record is None and not wanted:
            self._waits_for_those_before(id, live, self.were_up)
        if child.purpose is Purpose.STARTUP:  # S13 holds, whoever asked
            self.by_request.discard(id)
        self._started[id] = child, generation
        self.kept_down.discard(id)
        self._is_not_kept_down(id, child)
        if id in self.terminated:
            self._resurrects(id, wanted)

    def _is_not_kept_down(self, id: str, child: Child) -> None:
        """Under maintenance no failure starts a child, neither its own nor, once it is down, that of a sibling."""
        cause = self._causes.get(id)
        assert not (child.paused and cause is Cause.CRASH), f"{id} is under maintenance, and restarted over a failure"
        kept = id in self.set_aside and cause is Cause.COLLATERAL
        assert not kept, f"{id} is down over its maintenance, and a sibling takes it along"
        self.set_aside.discard(id)

    def _waits_for_those_before(self, id: str, live: Mapping[str, Body], were_up: set[str]) -> None:
        """In the startup a child is started when those before it have been up, or are out of it (S9, S11)."""
        for before, child in self.machine.children.items():
            if before == id:
                break
            starts = before in live and not live[before].refused and child.purpose is Purpose.STARTUP
            assert before in were_up or not starts, f"{id} is started while {before} before it has not been up yet"

    def _resurrects(self, id: str, wanted: Mapping[str, Asks]) -> None:
        """A child that was stopped by request may come back by a younger request, or with its group (S22)."""
        plan, older = self.terminated.pop(id)
        if any(isinstance(a.request, _ASKS_FOR_A_START) for token, a in wanted.items() if token not in older):
            return
        cause = self._causes.get(id)
        answered = cause is Cause.MANUAL and self._is_asked_for()  # by a sibling of the group that did not come up
        grouped = self.machine.grouped and (cause is Cause.COLLATERAL or answered)
        assert grouped, f"{id} was stopped by request, and is started because of {cause}"
        same = plan is not None and plan is self._plan and self._is_sure()
        assert not same, f"{id} was stopped by request, and is started by the group restart that was under way"

    def orders(self, what: str, id: str, generation: int, live: Mapping[str, Body]) -> None:
        """A child is told to stop, or killed."""
        body = live.get(id)
        assert body is not None, f"{what} for {id}, which does not live"
        assert body.generation == generation, f"{what} for generation {generation} of {id}; {body.generation} lives"
        assert what == "kill" or not body.ordered, f"{id} is asked to stop after it was asked to {body.ordered}"
        if not body.ordered and not self.brutal and not self.machine.spec.dynamic:
            self._in_order(id, live)

    def _in_order(self, id: str, live: Mapping[str, Body]) -> None:
        """Those behind it in the group are gone, or refuse (S34, S45)."""
        children = self.machine.children
        if not self.stopping and not (children[id].stop_pending and self._is_sure()):
            return  # alone, by request or because its start took too long
        ids = list(children)
        for behind in ids[ids.index(id) + 1 :]:
            grouped = self.stopping or children[behind].stop_pending
            waits = behind in live and not live[behind].refused
            assert not (grouped and waits), f"{id} is asked to stop before {behind} behind it is gone"

    def _is_sure(self) -> bool:
        """Whether what the machine is busy with now is what made it do so; else several things came at once."""
        return self.machine.phase is not Phase.STOPPING and (self.machine.plan is self._plan or not self._defers)

    def replied(self, asks: Asks, result: object, older: frozenset[str]) -> None:
        """A request got its answer; `older` ones are still open."""
        request = asks.request
        if isinstance(request, inputs.TerminateChild | inputs.RestartChild) and isinstance(result, Exception):
            self.kept_down.add(request.child)
        if isinstance(request, inputs.Resume):
            self.set_aside -= {request.child} if request.child else self.set_aside.copy()
        if request == inputs.Reset("", None):
            self.stamps.clear()
        if isinstance(request, inputs.TerminateChild) and result is None and request.child in self.machine.children:
            self.terminated[request.child] = self._plan, older
            if request.child in self._tried_again:  # as in OTP, those that its next try would have started stay down
                self.kept_down.update(id for id, child in self.machine.children.items() if child.left_behind)

    def done(self, live: Mapping[str, Body], timers: Collection[inputs.Timer], asked: Iterable[str]) -> None:
        """The supervisor has ended."""
        left = [id for id, body in live.items() if not body.refused]
        assert not left, f"{self.machine.path} is done while {', '.join(left)} live"
        assert not timers, f"{self.machine.path} is done, and has armed {list(timers)}"
        unanswered = ", ".join(asked)
        assert not unanswered, f"{self.machine.path} is done without an answer to {unanswered}"

    def check(self, live: Mapping[str, Body], timers: Collection[inputs.Timer], now: float) -> None:
        """What holds in every state."""
        machine = self.machine
        for id, child in machine.children.items():
            lives = live[id].generation if id in live else None
            known = child.generation if child.is_up else None
            assert lives == known, f"{id} is {child.state}: generation {known}; generation {lives} lives"
            assert child.timer is None or child.timer in timers, f"{child.timer} is not armed"
            ordered = id not in live or live[id].ordered or live[id].refused
            assert ordered or not (self.stopping and machine.spec.dynamic), f"{id} is not asked to stop at once (S45)"
        assert live.keys() <= machine.children.keys(), f"nobody knows {live.keys() - machine.children.keys()}"
        for timer in timers:
            owner = machine.children.get(timer.child)
            assert owner is not None, f"{timer} is armed for nobody"
            assert owner.timer == timer, f"{timer} is armed, and its child waits for {owner.timer}"
        assert machine.plan is not None or not machine.deferred, f"{machine.deferred} are deferred for no reason"
        if machine.plan is not None and machine.phase is not Phase.DONE:
            awaited = machine.plan.to_stop[-1] if machine.plan.to_stop else machine.plan.awaited
            assert awaited is not None, f"{machine.path} is busy, and waits for nobody"
            undecided = not machine.plan.to_stop and machine.plan.is_undecided(awaited)
            assert undecided or awaited.spec.id in live, (
                f"{machine.path} waits for {awaited.spec.id}, which does not live"
            )
        for event in self._stale():
            effects = machine.handle(event, now)
            assert not effects, f"{event} is out of date, and leads to {effects}"

    def check_quiet(self) -> None:
        """Assert that, when nothing goes on by itself, a child is down only by request, or in a state that says why."""
        for id, child in self.machine.children.items():
            assert child.state is not ChildState.PENDING, f"{id} is never started"
            by_request = id in self.terminated or id in self.kept_down
            assert by_request or child.state is not ChildState.STOPPED, (
                f"{id} stays down, and nobody has asked for that"
            )
            held_for = child.state is not ChildState.HELD or child.failed_with is None
            assert held_for, f"what {id} needs was never asked"

    def _stale(self) -> Iterator[inputs.Input]:
        """What comes from an older generation, or a moment too late. It means nothing, in any state."""
        for id, child in self.machine.children.items():
            old = child.generation - 1
            yield inputs.Started(id, old, None)
            yield inputs.StartFailed(id, old, _KILLED)
            yield inputs.Ignored(id, old)
            yield inputs.Exited(id, old, _KILLED)
            yield inputs.Silent(id, old, _HUNG)
            yield inputs.RestartDue(id, old)
            yield inputs.Checked(id, old, ())
            if child.state is not ChildState.RESTARTING and self.machine.plan is None:
                yield inputs.TryAgain(id, _KILLED)
            for kind in inputs.TimerKind:
                for generation in (old, child.generation):
                    timer = inputs.Timer(id, generation, kind)
                    if timer != child.timer:
                        yield inputs.TimerFired(timer)
