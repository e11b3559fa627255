"""The spec of a supervisor and its children."""

import math
from dataclasses import dataclass, field, replace
from typing import Any, cast

from otp.checks import values as checks
from otp.dependency import Dependency
from otp.errors import SpecError
from otp.policy import FailurePolicy
from otp.spec.child_spec import ChildSpec
from otp.spec.fields import check_child, check_flag, check_levels, check_member
from otp.spec.options import DEFAULT_INTENSITY, DEFAULT_PERIOD, AutoShutdown, Grace, Restart, Strategy
from otp.text.quoting import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorSpec:
    """One supervisor and its children. Built by `supervisor()` and `dynamic_supervisor()`, which describe the fields."""

    id: str
    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: int = DEFAULT_INTENSITY
    period: float = DEFAULT_PERIOD
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER
    children: tuple["AnySpec", ...] = ()
    restart: Restart = Restart.PERMANENT
    shutdown: Grace = math.inf
    significant: bool = False
    dynamic: bool = False
    max_children: int | None = None
    policy: FailurePolicy | None = None
    dependencies: tuple[Dependency, ...] = ()
    levels: int = field(init=False, repr=False, compare=False)
    """Supervisors from this one down to the deepest one below, both included."""

    def __post_init__(self) -> None:
        check_child(self)
        _check_flags(self)
        checks.keep(self, "children", _as_children(self.id, self.children))
        _check_dynamic(self)
        _check_children(self)
        checks.keep(self, "dependencies", _as_dependencies(self.id, self.dependencies))
        _keep_levels(self)

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing: its children name what they need."""
        return ()

    @property
    def ready(self) -> bool:
        """A supervisor is up when all its children are."""
        return True

    @property
    def start_timeout(self) -> None:
        """A supervisor takes as long to start as its children do."""
        return

    def without_args(self) -> "SupervisorSpec":
        """Itself: a supervisor has no arguments to forget."""
        return self

    def check_child(self, child: "AnySpec") -> None:
        """Raise `SpecError` if `child` cannot stand under this supervisor (S6)."""
        _check_is_spec(child, self.id)
        _check_significant(child, self)

    def with_child(self, child: "AnySpec") -> "SupervisorSpec":
        """A copy with `child` in the place of the child with its id; itself if it declares no such child.

        Raises:
            SpecError: `child` cannot stand under this supervisor.
        """
        if all(one.id != child.id for one in self.children):
            return self
        return replace(self, children=tuple(child if one.id == child.id else one for one in self.children))


AnySpec = ChildSpec | SupervisorSpec


def _check_flags(spec: SupervisorSpec) -> None:
    """Check the supervisor flags, and keep numbers as plain values (S2)."""
    id = spec.id
    check_member("strategy", spec.strategy, Strategy, id)
    check_member("auto_shutdown", spec.auto_shutdown, AutoShutdown, id)
    check_flag("dynamic", spec.dynamic, id)
    restarts = "a whole number of restarts, 0 or more"
    checks.keep(spec, "intensity", checks.whole(f"intensity of {quoted(id)}", spec.intensity, restarts, least=0))
    period = checks.bounded(f"period of {quoted(id)}", spec.period, "finite seconds above 0", checks.ABOVE_0)
    checks.keep(spec, "period", period)
    if spec.max_children is not None:
        limit = checks.whole(f"max_children of {quoted(id)}", spec.max_children, "a number above 0 or None", least=1)
        checks.keep(spec, "max_children", limit)


def _check_dynamic(spec: SupervisorSpec) -> None:
    """Raise `SpecError` unless a dynamic supervisor is one_for_one, starts empty and has no auto_shutdown (S2, E2)."""
    kinds = (("strategy", Strategy.ONE_FOR_ONE), ("auto_shutdown", AutoShutdown.NEVER), ("children", ()))
    for name, only in kinds if spec.dynamic else ():
        if (value := getattr(spec, name)) != only:
            said = ", ".join(child.id for child in spec.children) if name == "children" else value
            raise SpecError(
                f"{name} of {quoted(spec.id)}: a dynamic supervisor has none of its own, got {said}; "
                "make it a supervisor(), or leave that out"
            )


def _check_children(spec: SupervisorSpec) -> None:
    ids: set[str] = set()
    for child in spec.children:
        if child.id in ids:
            raise SpecError(
                f"two children of supervisor {quoted(spec.id)} have the id {quoted(child.id)}; give each its own"
            )
        ids.add(child.id)
        _check_significant(child, spec)


def _check_significant(child: AnySpec, spec: SupervisorSpec) -> None:
    if child.significant and spec.auto_shutdown is AutoShutdown.NEVER:
        raise SpecError(
            f"child {quoted(child.id)} is significant=True, but its supervisor {quoted(spec.id)} has auto_shutdown=never; "
            "give the supervisor AutoShutdown.ANY_SIGNIFICANT or ALL_SIGNIFICANT, or drop significant"
        )


def _keep_levels(spec: SupervisorSpec) -> None:
    """Keep how deep it is, which is bounded: a start, a stop and a look recurse through a tree in one step."""
    below = (child.levels for child in spec.children if isinstance(child, SupervisorSpec))
    checks.keep(spec, "levels", 1 + max(below, default=0))
    check_levels(spec.id, spec.levels)


def _as_children(owner: str, children: object) -> tuple[AnySpec, ...]:
    if checks.is_nothing(children):
        return ()
    listed = checks.each(f"children of supervisor {quoted(owner)}", children, "specs", "write children=[…]")
    return tuple(_as_spec(child, owner) for child in listed)


def _as_spec(child: Any, owner: str) -> AnySpec:
    _check_is_spec(child, owner)
    return cast("AnySpec", child)


def _check_is_spec(child: object, owner: str) -> None:
    if not checks.is_a(child, (ChildSpec, SupervisorSpec)):
        raise checks.wrong(
            f"children of supervisor {quoted(owner)}",
            "specs",
            child,
            "write worker(id, run, …) or supervisor(id, children=[…])",
        )


def _as_dependencies(owner: str, dependencies: object) -> tuple[Dependency, ...]:
    if checks.is_nothing(dependencies):
        return ()
    what, instead = f"dependencies of supervisor {quoted(owner)}", "write dependencies=[dependency(id, probe, …)]"
    found: dict[str, Dependency] = {}
    for one in checks.each(what, dependencies, "dependencies", instead):
        if not checks.is_a(one, Dependency):
            raise checks.wrong(what, "dependencies", one, instead)
        if one.id in found:
            raise SpecError(
                f"two dependencies of supervisor {quoted(owner)} have the id {quoted(one.id)}; give each its own"
            )
        found[one.id] = one
    return tuple(found.values())
