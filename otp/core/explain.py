"""What the settings of a tree mean for one child: when it is given up at the earliest, and what follows, up to the process.

Earliest means that every incarnation fails at once, that jitter makes every delay as short as it can, and that no sibling
fails. The machine of a supervisor is played to find out (`otp.core.dry_run`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from msgspec import Struct

from otp.core.ancestry import ancestry
from otp.core.backoff import delay, schedule
from otp.core.dry_run import End, Ending, keep_failing
from otp.core.paths import ancestors
from otp.core.strategy import taken_along
from otp.errors import IntensityReached
from otp.exits import Crashed
from otp.policy import Action, FailurePolicy, Fatal, GiveUp, Limited, Rule
from otp.spec import AnySpec, Restart, SupervisorSpec

__all__ = ("Course", "Explanation", "Level", "explain")

SHOWN = 6
"""Delays that a course shows."""


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
    """One supervisor above a child, and when it gives up if all below it fails as fast as it can.

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
    child, above = ancestry(tree, path)
    siblings = [each.id for each in above[0].children]
    restarted = child.restart is not Restart.TEMPORARY
    endings = [(rule, _keep_failing(above[0], rule)) for rule in _rules(child)] if restarted else []
    return Explanation(
        path=path,
        restart=child.restart,
        takes_along=tuple(id for id in taken_along(above[0].strategy, siblings, child.id) if id != child.id),
        needs=child.needs,
        courses=tuple(_course(rule, ending, above[0]) for rule, ending in endings),
        levels=tuple(_levels(path, above, _given_up([ending for _, ending in endings]))) if restarted else (),
    )


def _rules(child: AnySpec) -> list[Rule]:
    """The rules of its policy; of those with equal name, action and `expected`, the first."""
    policy = child.policy or FailurePolicy()
    rules = (*policy.rules, policy.otherwise)
    return list({(rule.name, rule.action, rule.expected): rule for rule in reversed(rules)}.values())[::-1]


# ------------------------------------------------------------------------------------------------ one class of failure

_PARKED = "parked as failed, its siblings live"
_FATAL = "the whole tree stops, the process exits with 78"


def _keep_failing(above: SupervisorSpec, rule: Rule) -> Ending:
    """What ends the restarts of a child whose failures all match this rule."""
    matching = replace(rule, failures=(Exception,), attributes=(), where=None)
    return keep_failing(above, FailurePolicy(matching), Crashed(Exception()))


def _course(rule: Rule, ending: Ending, above: SupervisorSpec) -> Course:
    then = {
        End.NEVER: "restarted for ever",
        End.PARKED: _PARKED,
        End.GIVEN_UP: f"{above.id} gives up",
        End.FATAL: _FATAL,
    }
    return Course(
        verdict=rule.name,
        delays=tuple(_delays(rule.action)),
        failures=ending.failures,
        after=ending.at,
        then=then[ending.end],
    )


def _delays(action: Action) -> Iterator[float]:
    """Before the first restarts of a streak, without jitter."""
    retry = action.retry if isinstance(action, Limited) else action
    if not isinstance(retry, GiveUp | Fatal):
        for failure in range(1, SHOWN + 1):
            backoff, number = schedule(retry, failure)
            yield delay(backoff, number, 0.5) if backoff is not None else 0.0


# ------------------------------------------------------------------------------------------------ the way up


def _levels(path: str, supervisors: Sequence[SupervisorSpec], after: float | None) -> Iterator[Level]:
    """From the child's supervisor to the root: the earliest time at which failures below make each give up.

    Args:
        path: of the child.
        supervisors: above it, the nearest first.
        after: seconds until the nearest gives up; None: it never does.
    """
    for at, spec, above in zip(ancestors(path), supervisors, (*supervisors[1:], None), strict=True):
        ending = _keep_giving_up(above, spec, after) if above is not None and after is not None else None
        yield Level(
            path=at, intensity=spec.intensity, period=spec.period, after=after, then=_then(spec, above, after, ending)
        )
        if ending is None or _is_left_down(spec, ending):
            return
        after = _given_up([ending])


def _keep_giving_up(above: SupervisorSpec, spec: SupervisorSpec, after: float) -> Ending:
    """What ends the restarts of a supervisor that gives up so many seconds after each of its starts."""
    error = IntensityReached(spec.id, spec.id, spec.intensity, spec.period)
    return keep_failing(above, spec.policy or FailurePolicy(), Crashed(error), after)


def _given_up(endings: Sequence[Ending]) -> float | None:
    """The earliest time at which the supervisor gives up over one of these."""
    return min((one.at for one in endings if one.end is End.GIVEN_UP and one.at is not None), default=None)


def _is_left_down(spec: SupervisorSpec, ending: Ending) -> bool:
    """Whether a supervisor that gives up is not restarted even once."""
    return spec.restart is Restart.TEMPORARY or (ending.failures == 1 and ending.end is not End.GIVEN_UP)


def _then(spec: SupervisorSpec, above: SupervisorSpec | None, after: float | None, ending: Ending | None) -> str:
    if after is None:
        return "it never does"
    if above is None or ending is None:
        return "the process exits with 70"
    if spec.restart is Restart.TEMPORARY:
        return f"{spec.id} is gone, {above.id} goes on"
    if not _is_left_down(spec, ending):
        return f"{above.id} restarts {spec.id} as a whole"
    return f"{spec.id} is {_PARKED}" if ending.end is End.PARKED else _FATAL


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
