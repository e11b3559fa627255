"""What the settings of a tree mean for one child: when it is given up at the earliest, and what follows, up to the process.

Earliest means that every start fails at once, that all jitter is in favour of haste, and that no sibling fails: a tree
that has to wait for anything takes longer.
"""

from collections import deque
from collections.abc import Iterator

from msgspec import Struct

from otp.core.backoff import delay, schedule, shortest
from otp.core.classify import Verdict, classify
from otp.core.paths import join, parts
from otp.errors import IntensityReached, NotFound
from otp.exits import Crashed
from otp.policy import Action, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, Rule
from otp.spec import AnySpec, Restart, Strategy, SupervisorSpec

__all__ = ("Course", "Explanation", "Level", "explain")

SHOWN = 6
"""Delays that a course shows."""

_FAR = 10_000
"""Failures in a row after which nothing new happens any more."""


class Course(Struct, frozen=True, kw_only=True):
    """How one class of failure goes.

    Attributes:
        verdict: its name.
        delays: seconds before the first restarts in a row, without jitter.
        failures: how many in a row end it; None: it is restarted for ever.
        after: seconds from the first failure to that, at the earliest.
        then: what happens then.
    """

    verdict: str
    delays: tuple[float, ...]
    failures: int | None
    after: float | None
    then: str


class Level(Struct, frozen=True, kw_only=True):
    """One supervisor on the way up, and when it gives up if everything below keeps failing at its fastest.

    Attributes:
        path: of the supervisor.
        intensity: restarts that it allows.
        period: in so many seconds.
        after: seconds from the first failure of the child; None: never.
        then: what happens then.
    """

    path: str
    intensity: int
    period: float
    after: float | None
    then: str


class Explanation(Struct, frozen=True, kw_only=True):
    """What the settings mean for one child.

    Attributes:
        path: of the child.
        restart: its restart type.
        takes_along: the siblings that are restarted with it.
        needs: what it is held for while that is down.
        courses: one for each class of failure, in the order of its policy.
        levels: the supervisors above it, nearest first.
    """

    path: str
    restart: Restart
    takes_along: tuple[str, ...]
    needs: tuple[str, ...]
    courses: tuple[Course, ...]
    levels: tuple[Level, ...]

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def explain(tree: SupervisorSpec, path: str) -> Explanation:
    """Explain the child at `path`, which begins with the id of the root.

    Raises:
        NotFound: there is no such child.
    """
    line = list(_line_to(tree, path))
    child, above = line[0], line[1]
    assert isinstance(above, SupervisorSpec)
    ids = parts(path)
    courses = tuple(_course(rule.name, rule.action, above, expected=rule.expected) for rule in _rules(child))
    return Explanation(
        path=path,
        restart=child.restart,
        takes_along=tuple(_takes_along(above, child)),
        needs=child.needs,
        courses=courses if child.restart is not Restart.TEMPORARY else (),
        levels=tuple(_levels(line, ids, courses)) if child.restart is not Restart.TEMPORARY else (),
    )


def _line_to(tree: SupervisorSpec, path: str) -> Iterator[AnySpec]:
    """The child, its supervisor, and so on up to the root."""
    line: list[AnySpec] = [tree]
    root, *ids = parts(path) or ("",)
    if root != tree.id or not ids:
        raise NotFound(path, tuple(join(tree.id, child.id) for child in tree.children))
    for id in ids:
        above = line[-1]
        children = {child.id: child for child in above.children} if isinstance(above, SupervisorSpec) else {}
        if id not in children:
            raise NotFound(path, tuple(children))
        line.append(children[id])
    return reversed(line)


def _rules(child: AnySpec) -> list[Rule]:
    """The rules of its policy; of those that lead to the same, the first."""
    policy = child.policy or FailurePolicy()
    rules = (*policy.rules, policy.otherwise)
    return list({(rule.name, rule.action, rule.expected): rule for rule in reversed(rules)}.values())[::-1]


def _takes_along(above: SupervisorSpec, child: AnySpec) -> Iterator[str]:
    ids = [each.id for each in above.children]
    match above.strategy:
        case Strategy.ONE_FOR_ONE:
            return
        case Strategy.ONE_FOR_ALL:
            yield from (id for id in ids if id != child.id)
        case Strategy.REST_FOR_ONE:  # pragma: no branch # there is no other
            yield from ids[ids.index(child.id) + 1 :]


# ------------------------------------------------------------------------------------------------ one class of failure


def _course(verdict: str, action: Action, above: SupervisorSpec, *, expected: bool) -> Course:
    match action:
        case GiveUp():
            return Course(verdict=verdict, delays=(), failures=1, after=0.0, then=_PARKED)
        case Fatal():
            return Course(verdict=verdict, delays=(), failures=1, after=0.0, then=_FATAL)
        case _:
            return _repeated(verdict, action, above, expected=expected)


def _repeated(
    verdict: str, action: RestartNow | RestartAfter | Limited, above: SupervisorSpec, *, expected: bool
) -> Course:
    retry = action.retry if isinstance(action, Limited) else action
    own = _when_over(retry, action.n, action.within, 0.0) if isinstance(action, Limited) else None
    shared = None if expected else _when_over(retry, above.intensity, above.period, 0.0)
    end = min((over for over in (own, shared) if over is not None), default=None)
    then = "restarted for ever"
    if end is not None:
        then = _then_of(action, above) if end == own else f"{above.id} gives up"
    return Course(
        verdict=verdict,
        delays=tuple(_without_jitter(retry, failure) for failure in range(1, SHOWN + 1)),
        failures=end[1] if end is not None else None,
        after=end[0] if end is not None else None,
        then=then,
    )


def _then_of(action: Action, above: SupervisorSpec) -> str:
    match action:
        case Limited(then=GiveUp()):
            return _PARKED
        case Limited(then=Fatal()):
            return _FATAL
        case _:
            return f"{above.id} gives up"


_PARKED = "parked as failed, its siblings live"
_FATAL = "the whole tree stops, the process exits with 78"


def _when_over(
    retry: RestartNow | RestartAfter, intensity: int, period: float, takes: float
) -> tuple[float, int] | None:
    """When a window is over its limit if each incarnation fails after `takes` seconds: seconds, and failures."""
    stamps: deque[float] = deque()
    now = 0.0
    for failure in range(1, _FAR):
        stamps.append(now)
        while stamps[0] < now - period:
            stamps.popleft()
        if len(stamps) > intensity:
            return now, failure
        backoff, number = schedule(retry, failure)
        now += takes + (shortest(backoff, number) if backoff is not None else 0.0)
    return None


def _without_jitter(retry: RestartNow | RestartAfter, failure: int) -> float:
    backoff, number = schedule(retry, failure)
    return delay(backoff, number, 0.5) if backoff is not None else 0.0


# ------------------------------------------------------------------------------------------------ the way up


def _levels(line: list[AnySpec], ids: tuple[str, ...], courses: tuple[Course, ...]) -> Iterator[Level]:
    """From the child's supervisor to the root: each fails as often as the one below lets it."""
    ends = [course.after for course in courses if course.after is not None and course.then.endswith("gives up")]
    after: float | None = min(ends, default=None)
    for depth, spec in enumerate(line[1:], 1):  # pragma: no branch # the root ends it
        assert isinstance(spec, SupervisorSpec)
        path = "/".join(ids[: len(ids) - depth])
        above = line[depth + 1] if depth + 1 < len(line) else None
        assert above is None or isinstance(above, SupervisorSpec)
        yield Level(
            path=path, intensity=spec.intensity, period=spec.period, after=after, then=_then(spec, above, after)
        )
        if above is None or after is None or not _is_restarted(spec):
            return
        after = _given_up_above(spec, above, after)


def _then(spec: SupervisorSpec, above: SupervisorSpec | None, after: float | None) -> str:
    if after is None:
        return "it never does"
    if above is None:
        return "the process exits with 70"
    if spec.restart is Restart.TEMPORARY:
        return f"{spec.id} is gone, {above.id} goes on"
    match _verdict_on(spec).action:
        case GiveUp():
            return f"{spec.id} is {_PARKED}"
        case Fatal():
            return _FATAL
        case _:
            return f"{above.id} restarts {spec.id} as a whole"


def _is_restarted(spec: SupervisorSpec) -> bool:
    return spec.restart is not Restart.TEMPORARY and not isinstance(_verdict_on(spec).action, GiveUp | Fatal)


def _verdict_on(spec: SupervisorSpec) -> Verdict:
    """How the supervisor above takes it that this one has given up."""
    error = IntensityReached(spec.id, spec.id, spec.intensity, spec.period)
    return classify(spec.policy or FailurePolicy(), Crashed(error))


def _given_up_above(spec: SupervisorSpec, above: SupervisorSpec, takes: float) -> float | None:
    """When `above` gives up, if `spec` gives up each `takes` seconds after it was started."""
    verdict = _verdict_on(spec)
    course = _course(verdict.name, verdict.action, above, expected=verdict.expected)
    if not course.then.endswith("gives up"):
        return None
    action = verdict.action
    retry = action.retry if isinstance(action, Limited) else action
    assert isinstance(retry, RestartNow | RestartAfter)
    limits = [(action.n, action.within)] if isinstance(action, Limited) and action.then is None else []
    limits += [] if verdict.expected else [(above.intensity, above.period)]
    overs = (_when_over(retry, intensity, period, takes) for intensity, period in limits)
    first = min((over for over in overs if over is not None), default=None)
    return takes + first[0] if first is not None else None


# ------------------------------------------------------------------------------------------------ as text


def _lines(found: Explanation) -> Iterator[str]:
    if found.restart is Restart.TEMPORARY:
        yield f"{found.path}  temporary, never restarted: it is gone when it has ended"
        return
    along = f"takes along {', '.join(found.takes_along)}" if found.takes_along else "restarts alone"
    yield f"{found.path}  {found.restart}, {along}"
    if found.needs:
        yield f"  held, at no cost, while {' or '.join(found.needs)} is down"
    width = max((len(course.verdict) for course in found.courses), default=0)
    for course in found.courses:
        yield f"  {course.verdict:<{width}}  {_course_text(course)}"
    for level in found.levels:
        when = "never gives up" if level.after is None else f"gives up {level.after:.3g} s after the first failure"
        budget = f"{level.intensity} in {level.period:g} s"
        yield (
            f"  {level.path} ({budget}): at the earliest {when}; {level.then}"
            if level.after is not None
            else (f"  {level.path} ({budget}): {when}")
        )


def _course_text(course: Course) -> str:
    if not course.delays:
        return course.then
    schedule = "at once" if not any(course.delays) else " → ".join(f"{seconds:g}" for seconds in course.delays) + " s …"
    if course.failures is None:
        return f"{schedule}, {course.then}"
    return f"{schedule}; failure {course.failures} in a row, {course.after:.3g} s after the first: {course.then}"
