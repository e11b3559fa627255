"""Which rules S9-S56 a trace shows at work.

What is told is read from the scenario and OTP's own trace, so a rule counts as reached only when OTP did what it says.
A rule may have cases ("S16 transient crash"); a rule is reached when one of them is, and recording looks for all.
"""

from collections.abc import Callable, Iterator
from math import floor

from msgspec import Struct

from otp.spec import AutoShutdown, Strategy
from tests.conformance.scenario import (
    PHASE,
    DeleteChild,
    Dynamic,
    End,
    GetChildspec,
    Node,
    RestartChild,
    Scenario,
    StartChild,
    Step,
    Stray,
    Supervisor,
    TerminateChild,
    Tick,
    Wait,
    Worker,
    below,
    nodes,
)
from tests.conformance.trace import Answer, Entry, Told, Trace

UNREACHABLE = {
    "S10": "what `init` may return: specs are data here, checked when they are built",
    "S20": "messages that nobody expects: a supervisor has no mailbox here",
    "S29": "how OTP 28 counts faster; it decides the same",
    "S33": "no rule: what follows when restarts are slower than the window",
    "S46": "a child that unlinks itself: there are no links here",
    "S54": "`which_child` of OTP 28; the handle's `child` has tests of its own",
}
"""Rules among S9-S56 that no scenario can show, and why."""

RULES = tuple(f"S{number}" for number in range(9, 57) if f"S{number}" not in UNREACHABLE)


class _Moment(Struct):
    """One step, what it led to, and how things were before."""

    step: Step | None
    told: Told
    before: Told | None
    supervisors: dict[str, Supervisor | Dynamic]
    owner: dict[str, str]
    workers: dict[str, Worker]
    now: float
    restarts: dict[str, list[float]]

    @property
    def entries(self) -> list[Entry]:
        return self.told.entries

    def strategy(self, id: str) -> Strategy | None:
        """The strategy of the static supervisor that owns this child."""
        owner = self.supervisors.get(self.owner.get(id, ""))
        return owner.strategy if isinstance(owner, Supervisor) else None

    def begins_again(self) -> Iterator[tuple[str, str]]:
        """Workers that ended by themselves in this step, and the outcome of the start that followed."""
        ended: set[str] = set()
        for kind, id, *rest in self.entries:
            if kind == "exit" and id in self.workers and self._by_itself(id):
                ended.add(id)
            elif kind == "start" and id in ended:
                ended.remove(id)
                yield id, rest[0]

    def _by_itself(self, id: str) -> bool:
        return any(isinstance(action, End) and action.worker == id for action in self.actions())

    def actions(self) -> tuple[Step, ...]:
        """The step, or what happens in its tick."""
        if self.step is None:
            return ()
        return self.step.actions if isinstance(self.step, Tick) else (self.step,)

    def answered(self) -> Iterator[tuple[Step, Answer]]:
        """The requests of this step and their answers."""
        asked = [action for action in self.actions() if hasattr(action, "supervisor") and not isinstance(action, Stray)]
        return zip(asked, self.told.answers, strict=True)

    def restarted(self) -> set[str]:
        """Supervisors that had to restart somebody for having ended by itself."""
        return {self.owner[id] for id, _ in self.begins_again() if id in self.owner}

    def kinds(self, kind: str) -> list[Entry]:
        """The entries of one kind."""
        return [entry for entry in self.entries if entry[0] == kind]

    def state(self, id: str) -> str:
        """How the child was before."""
        for _, children, _ in self.before.snapshot if self.before else []:
            for child, state in children:
                if child == id:
                    return state
        return "unknown"


def reached(scenario: Scenario, trace: Trace) -> set[str]:
    """The rules that this trace shows, as `"S16"`, and their cases, as `"S16 transient crash"`."""
    cases = {case for moment in _moments(scenario, trace) for rule in _CASES for case in rule(moment)}
    return cases | {case.partition(" ")[0] for case in cases}


def _moments(scenario: Scenario, trace: Trace) -> Iterator[_Moment]:
    supervisors = {node.id: node for node in nodes(scenario) if not isinstance(node, Worker)}
    owner: dict[str, str] = {}
    workers: dict[str, Worker] = {}
    _know(scenario.tree, owner, workers)
    before, now = None, PHASE
    restarts: dict[str, list[float]] = {}
    for step, told in zip([None, *scenario.steps, None], trace, strict=False):
        now += step.seconds if isinstance(step, Wait) else 0.0
        moment = _Moment(step, told, before, supervisors, owner, workers, now, restarts)
        for action in moment.actions():
            if isinstance(action, StartChild) and action.child.id not in owner:
                owner[action.child.id] = action.supervisor
                _know(action.child, owner, workers)
        yield moment
        before = told
        for id in moment.restarted():
            restarts.setdefault(id, []).append(now)


def _know(node: Node, owner: dict[str, str], workers: dict[str, Worker]) -> None:
    for each in below(node):
        if isinstance(each, Worker):
            workers[each.id] = each
        elif isinstance(each, Supervisor):
            owner |= {child.id: each.id for child in each.children}


Cases = Iterator[str]


def _starts(moment: _Moment) -> Cases:
    if moment.step is None and moment.before is None:
        if len(moment.kinds("start")) > 1:
            yield from ("S9", "S11")
        if any(entry[2] == "fail" for entry in moment.kinds("start")):
            yield "S13 root"
        starts = [entry[2] for entry in moment.kinds("start")]
        if "crash" in starts[:-1]:
            yield "S14"
    if any(isinstance(moment.supervisors.get(id), Dynamic) for _, id in moment.kinds("begin")):
        yield "S15"
    if moment.kinds("undone"):
        yield "S13 below"
    if moment.before is None and any(entry[2] == "ignore" for entry in moment.kinds("start")):
        yield "S12 first start"


def _ends(moment: _Moment) -> Cases:
    for action in moment.actions():
        if not isinstance(action, End) or ("exit", action.worker, action.how) not in moment.entries:
            continue
        worker = moment.workers.get(action.worker)
        supervisor = moment.supervisors.get(moment.owner.get(action.worker, ""))
        if worker is None or supervisor is None:
            continue
        restart = supervisor.template.restart if isinstance(supervisor, Dynamic) else worker.restart
        yield f"S16 {'dynamic ' if isinstance(supervisor, Dynamic) else ''}{restart} {action.how}"
        alone = len(moment.kinds("exit")) == 1 and not moment.kinds("start") and not moment.kinds("gives_up")
        if isinstance(supervisor, Dynamic) or not alone:
            continue
        if supervisor.strategy is not Strategy.ONE_FOR_ONE and len(supervisor.children) > 1:
            yield f"S17 {supervisor.strategy} {restart}"
        if supervisor.auto_shutdown is not AutoShutdown.NEVER:
            yield f"S18 {supervisor.auto_shutdown} {'significant' if worker.significant else 'not significant'}"
    if isinstance(moment.step, Stray):
        yield "S19"


def _restarts(moment: _Moment) -> Cases:
    for id, outcome in moment.begins_again():
        strategy = moment.strategy(id)
        started = {entry[1] for entry in moment.kinds("start")}
        match strategy:
            case None:
                yield "S24"
            case Strategy.ONE_FOR_ONE:
                yield "S21"
            case Strategy.ONE_FOR_ALL | Strategy.REST_FOR_ONE:
                rule = "S22" if strategy is Strategy.ONE_FOR_ALL else "S23"
                yield f"{rule} {'alone' if len(started) == 1 else 'group'}"
                if any(moment.state(other) == "down" for other in started):
                    yield f"{rule} revived"
        if outcome == "ignore" and strategy is not None:
            yield "S25"
        if outcome == "fail":
            yield "S35"
    if len([action for action in moment.actions() if isinstance(action, End)]) > 1 and not moment.kinds("gives_up"):
        owner = moment.supervisors.get(moment.owner.get(next(moment.begins_again(), ("", ""))[0], ""))
        if isinstance(owner, Supervisor):
            yield f"S26 {owner.strategy}"


def _retries(moment: _Moment) -> Cases:
    failed = [entry[1] for entry in moment.kinds("start") if entry[2] == "fail"]
    if not failed or moment.before is None or any(isinstance(a, StartChild | RestartChild) for a in moment.actions()):
        return
    if any(failed.count(id) > 1 for id in failed):
        yield "S38"
    for id in failed:
        last = [entry[2] for entry in moment.kinds("start") if entry[1] == id][-1]
        if last == "fail" and not moment.kinds("gives_up") and isinstance(moment.step, Tick):
            yield "S37"
        if moment.strategy(id) in (Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE) and not any(
            isinstance(action, End) and action.worker == id for action in moment.actions()
        ):
            yield f"S39 {moment.strategy(id)}"


def _gives_up(moment: _Moment) -> Cases:
    for _, id, offender in moment.kinds("gives_up"):
        supervisor = moment.supervisors[id]
        at = moment.entries.index(("gives_up", id, offender))
        after = moment.entries[at + 1 :]
        yield f"S28 {supervisor.intensity}"
        yield f"S31 {'with' if after and after[0][0] == 'exit' and after[0][1] != id else 'without'} siblings"
        if id in moment.owner:
            yield f"S32 {supervisor.restart} {'begins again' if ('begin', id) in after else 'stays down'}"


def _auto_shutdown(moment: _Moment) -> Cases:
    ends = [a.worker for a in moment.actions() if isinstance(a, End)]
    for id in ends:
        worker, owner = moment.workers.get(id), moment.owner.get(id, "")
        supervisor = moment.supervisors.get(owner)
        if worker is None or not worker.significant or not isinstance(supervisor, Supervisor):
            continue
        if ("exit", owner, "shutdown") in moment.entries and not moment.kinds("gives_up"):
            yield f"S40 {supervisor.auto_shutdown} {worker.restart}"
            yield from _cascade(moment, supervisor)
    for request, answer in moment.answered():
        if isinstance(request, TerminateChild) and answer == "ok" and _is_significant(moment, request.child):
            yield "S41"


def _cascade(moment: _Moment, supervisor: Supervisor) -> Cases:
    if supervisor.id in moment.owner:
        above = ("exit", moment.owner[supervisor.id], "shutdown") in moment.entries
        then = (
            "begins again"
            if ("begin", supervisor.id) in moment.entries
            else "ends the one above"
            if above
            else "is left"
        )
        yield f"S42 {supervisor.restart} {then}"


def _is_significant(moment: _Moment, id: str) -> bool:
    worker = moment.workers.get(id)
    return worker is not None and worker.significant and moment.state(id) == "up"


def _stops(moment: _Moment) -> Cases:
    by_itself = {action.worker for action in moment.actions() if isinstance(action, End)}
    stopped = [(id, reason) for _, id, reason in moment.kinds("exit") if id in moment.workers and id not in by_itself]
    if len(stopped) > 1:
        yield "S34"
    for id, reason in stopped:
        owner = _owner(moment, id)
        worker = owner.template if isinstance(owner, Dynamic) else moment.workers[id]
        yield f"S43 {worker.shutdown} {reason}"
        if reason in ("normal", "crash"):
            yield f"S44 {reason} {worker.restart}"
    together = [moment.owner.get(id) for id, _ in stopped if isinstance(_owner(moment, id), Dynamic)]
    if any(together.count(id) > 1 for id in together):
        yield "S45 at once"
    if len([id for id, _ in stopped if isinstance(_owner(moment, id), Supervisor)]) > 1:
        yield "S45 in order"


def _owner(moment: _Moment, id: str) -> Supervisor | Dynamic | None:
    return moment.supervisors.get(moment.owner.get(id, ""))


def _answers(moment: _Moment) -> Cases:
    tick = isinstance(moment.step, Tick)
    for request, answer in moment.answered():
        kind = " dynamic" if isinstance(moment.supervisors.get(request.supervisor), Dynamic) else ""
        if answer == "noproc":
            if tick:
                yield "S47"
            continue
        if answer == "restarting" or (isinstance(answer, list) and ["restarting"] in [a[1:] for a in _pairs(answer)]):
            yield f"S36 {type(request).__name__}"
        rule = _ANSWERED.get(type(request))
        if rule is not None:
            yield f"{rule}{kind} {answer if isinstance(answer, str) else 'described'}"
        if isinstance(request, StartChild) and answer == "ignored":
            yield f"S12 request{kind}"
        if isinstance(request, StartChild | RestartChild) and answer == "ok":
            yield from ["S30"] if moment.supervisors[request.supervisor].intensity == 0 else []
    if tick and _terminated_then_ended(moment):
        yield "S48"


def _pairs(answer: list[Answer]) -> list[list[str]]:
    return [pair for pair in answer if isinstance(pair, list)]


def _terminated_then_ended(moment: _Moment) -> bool:
    actions = moment.actions()
    return any(
        isinstance(first, TerminateChild) and isinstance(then, End) and first.child == then.worker
        for number, first in enumerate(actions)
        for then in actions[number + 1 :]
    )


def _looks(moment: _Moment) -> Cases:
    if any(isinstance(moment.supervisors.get(id), Supervisor) for id, _, _ in moment.told.snapshot):
        yield "S53"
        if any("down" in [state for _, state in children] for _, children, _ in moment.told.snapshot):
            yield "S55"


def _windows(moment: _Moment) -> Cases:
    gave_up = {id for _, id, _ in moment.kinds("gives_up")}
    for id in moment.restarted() | gave_up:
        supervisor, before = moment.supervisors[id], moment.restarts.get(id, [])
        if id not in gave_up:
            yield from ["S27 forgets"] if len(before) >= supervisor.intensity > 0 else []
        elif any(time < moment.now for time in before):
            oldest = floor(moment.now) - supervisor.period
            yield "S27 to the second" if oldest in map(floor, before) else "S27 remembers"


_CASES: tuple[Callable[[_Moment], Cases], ...] = (
    _starts,
    _ends,
    _restarts,
    _retries,
    _gives_up,
    _auto_shutdown,
    _stops,
    _answers,
    _looks,
    _windows,
)

_ANSWERED = {StartChild: "S49", TerminateChild: "S50", RestartChild: "S51", DeleteChild: "S52", GetChildspec: "S56"}
