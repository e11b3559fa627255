"""Specs: what to supervise and how, as data.

`worker()`, `supervisor()` and `dynamic_supervisor()` build them; they are checked when built.
"""

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVarTuple, cast, overload

from otp import checks
from otp.dependency import Dependency
from otp.errors import SpecError
from otp.policy import FailurePolicy
from otp.text.quoting import quoted
from otp.watchdog import Watchdog

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

__all__ = (
    "DEEPEST",
    "DEFAULT_INTENSITY",
    "DEFAULT_PERIOD",
    "DEFAULT_SHUTDOWN",
    "AnySpec",
    "AutoShutdown",
    "Cancel",
    "ChildSpec",
    "Grace",
    "Restart",
    "StartsUp",
    "Strategy",
    "SupervisorSpec",
    "check_depth",
    "check_needs",
    "dynamic_supervisor",
    "supervisor",
    "worker",
)

Ts = TypeVarTuple("Ts")

DEFAULT_INTENSITY = 3
"""Restarts that a supervisor allows within its period (Elixir's default, D2)."""

DEFAULT_PERIOD = 5.0
"""Seconds."""

DEFAULT_SHUTDOWN = 5.0
"""Seconds that a worker has to clean up when it is stopped (S4)."""

Cancel = Literal["once", "scope"]
"""How a worker on asyncio is asked to stop: by one cancellation, or by a cancel scope, again and again."""

DEEPEST = 64
"""Levels of supervisors that a tree may have. A start or a stop goes down them in one step, some frames for each."""

Grace = float | Literal["brutal_kill"]
"""How a child is stopped: seconds to clean up (`math.inf`: as long as it takes), or without grace."""


class Strategy(StrEnum):
    """Which children the failure of one takes along (1.5 of the semantics)."""

    ONE_FOR_ONE = "one_for_one"
    """None: that child alone is restarted."""

    ONE_FOR_ALL = "one_for_all"
    """All of them."""

    REST_FOR_ONE = "rest_for_one"
    """Those that were started after it."""


class Restart(StrEnum):
    """When a child that ended is started again (S16)."""

    PERMANENT = "permanent"
    """Always, also after a normal return."""

    TRANSIENT = "transient"
    """Only after an abnormal end."""

    TEMPORARY = "temporary"
    """Never; it is forgotten."""


class AutoShutdown(StrEnum):
    """Whether a supervisor ends with its significant children (S40)."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    ALL_SIGNIFICANT = "all_significant"


class StartsUp(Protocol[*Ts]):
    """A worker that says when it is ready, by anyio's convention: it calls `task_status.started(value)`."""

    def __call__(self, *args: *Ts, task_status: "TaskStatus[Any]") -> Awaitable[object]:
        """Run until stopped."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One worker: a coroutine function and how it is supervised. Built by `worker()`, which describes the fields."""

    id: str
    run: Callable[..., Awaitable[object]]
    args: tuple[Any, ...] = ()
    restart: Restart = Restart.PERMANENT
    shutdown: Grace = DEFAULT_SHUTDOWN
    significant: bool = False
    ready: bool = False
    start_timeout: float | None = None
    policy: FailurePolicy | None = None
    needs: tuple[str, ...] = ()
    watchdog: Watchdog | None = None
    cancel: Cancel = "once"

    def __post_init__(self) -> None:
        _check_child(self)
        _check_flag("ready", self.ready, self.id)
        if not callable(self.run):
            raise SpecError(
                f"worker({quoted(self.id)}) expects a coroutine function and its arguments, got {quoted(self.run)}; "
                f"write worker({quoted(self.id)}, run, arg, …) and leave the call to the supervisor"
            )
        if type(self.args) is not tuple:
            checks.keep(self, "args", checks.arguments(f"args of worker {quoted(self.id)}", self.args))
        _check_start_timeout(self)
        if type(self.needs) is not tuple or self.needs:
            checks.keep(self, "needs", _as_names(self.id, self.needs))
        _check_cancel(self.id, self.cancel)
        if self.watchdog is not None and not checks.is_a(self.watchdog, Watchdog):
            raise _no_watchdog(self.id, self.watchdog)

    def without_args(self) -> "ChildSpec":
        """The spec without its arguments, as it is kept for a temporary child (S60)."""
        return replace(self, args=()) if self.args else self


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
    """Supervisors on the way down from here to the deepest one, this one included."""

    def __post_init__(self) -> None:
        _check_child(self)
        _check_flags(self)
        checks.keep(self, "children", _as_children(self.id, self.children))
        _check_dynamic(self)
        _check_children(self)
        checks.keep(self, "dependencies", _as_dependencies(self.id, self.dependencies))
        _check_levels(self)

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
        """The same supervisor with `child` in the place of its child of that id; itself if it declares none.

        Raises:
            SpecError: `child` cannot stand under this supervisor.
        """
        if all(one.id != child.id for one in self.children):
            return self
        return replace(self, children=tuple(child if one.id == child.id else one for one in self.children))


AnySpec = ChildSpec | SupervisorSpec


@overload
def worker(
    id: str,
    run: StartsUp[*Ts],
    /,
    *args: *Ts,
    ready: Literal[True],
    restart: Restart = ...,
    shutdown: Grace = ...,
    significant: bool = ...,
    start_timeout: float | None = ...,
    policy: FailurePolicy | None = ...,
    needs: Iterable[str] = ...,
    watchdog: float | Watchdog | None = ...,
    cancel: Cancel = ...,
) -> ChildSpec: ...
@overload
def worker(
    id: str,
    run: Callable[[*Ts], Awaitable[object]],
    /,
    *args: *Ts,
    ready: Literal[False] = ...,
    restart: Restart = ...,
    shutdown: Grace = ...,
    significant: bool = ...,
    policy: FailurePolicy | None = ...,
    needs: Iterable[str] = ...,
    watchdog: float | Watchdog | None = ...,
    cancel: Cancel = ...,
) -> ChildSpec: ...
def worker(
    id: str,
    run: Callable[..., Awaitable[object]],
    /,
    *args: object,
    ready: bool = False,
    restart: Restart = Restart.PERMANENT,
    shutdown: Grace = DEFAULT_SHUTDOWN,
    significant: bool = False,
    start_timeout: float | None = None,
    policy: FailurePolicy | None = None,
    needs: Iterable[str] = (),
    watchdog: float | Watchdog | None = None,
    cancel: Cancel = "once",
) -> ChildSpec:
    """A child that runs `await run(*args)`.

    Args:
        id: its name, unique in its supervisor; the last part of its path.
        run: a coroutine function. It is called afresh for each incarnation.
        args: its arguments. For keyword arguments use `functools.partial`.
        ready: it takes `task_status` and says `task_status.started(value)` when it is up; children behind it wait for
            that. Without it a child counts as started when it is scheduled.
        restart: permanent, transient or temporary (S16).
        shutdown: seconds to clean up when stopped, `math.inf`, or "brutal_kill". On asyncio the worker is cancelled once,
            outside of any anyio shield, and then cleans up undisturbed until that time is over. On trio its scope is
            cancelled, as trio's code expects: a clean-up that awaits is shielded by the worker. What has not ended
            then is killed: cancelled again and again (S43).
        significant: its end may end the supervisor (`auto_shutdown`, S40). Not for permanent children.
        start_timeout: seconds to become ready, needs `ready=True`; None: as long as it takes.
        policy: which of its failures gets which action; None: restarts come at once, as in OTP (D5). With a policy, or
            with needs, it is tried again in the first start of its supervisor too (S13).
        needs: dependencies, declared by a supervisor above. When it fails while one of them is down, it is held until
            that is there again, which costs no restarts.
        watchdog: seconds within which it calls `otp.beat()` while it is up, again and again, or a `Watchdog`. If it does
            not, it is stopped, and has failed with `Hung`. None: it may be silent for as long as it likes.
        cancel: "scope": on asyncio too it is asked to stop by a cancel scope, as anyio's code may expect. On trio
            nothing else is known.

    Raises:
        SpecError: the combination cannot be run.
    """
    return ChildSpec(
        id=id,
        run=run,
        args=args,
        restart=restart,
        shutdown=shutdown,
        significant=significant,
        ready=ready,
        start_timeout=start_timeout,
        policy=policy,
        needs=cast("tuple[str, ...]", needs),
        watchdog=_as_watchdog(id, watchdog),
        cancel=cancel,
    )


def supervisor(
    id: str,
    *,
    children: Iterable[AnySpec] = (),
    strategy: Strategy = Strategy.ONE_FOR_ONE,
    intensity: int = DEFAULT_INTENSITY,
    period: float = DEFAULT_PERIOD,
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER,
    restart: Restart = Restart.PERMANENT,
    shutdown: Grace = math.inf,
    significant: bool = False,
    policy: FailurePolicy | None = None,
    dependencies: Iterable[Dependency] = (),
) -> SupervisorSpec:
    """A supervisor: its children are started in this order and stopped in the reverse one.

    Args:
        id: its name, unique in its own supervisor; part of the path of its children.
        children: workers and supervisors, in start order.
        strategy: which children the failure of one takes along.
        intensity: restarts that are fine within `period`; one more and the supervisor gives up (S27). 0: none.
        period: seconds.
        auto_shutdown: whether it ends with its significant children (S40).
        restart: how its own supervisor treats it.
        shutdown: seconds for the whole subtree to stop; leave it at `math.inf` unless you know better (S5).
        significant: its own end may end the supervisor above.
        policy: how the supervisor above treats its failures.
        dependencies: what children below may name in `needs`, with the probes of it.

    Raises:
        SpecError: the combination cannot be run.
    """
    return SupervisorSpec(
        id=id,
        strategy=strategy,
        intensity=intensity,
        period=period,
        auto_shutdown=auto_shutdown,
        children=cast("tuple[AnySpec, ...]", children),
        restart=restart,
        shutdown=shutdown,
        significant=significant,
        policy=policy,
        dependencies=cast("tuple[Dependency, ...]", dependencies),
    )


def dynamic_supervisor(
    id: str,
    *,
    max_children: int | None = None,
    intensity: int = DEFAULT_INTENSITY,
    period: float = DEFAULT_PERIOD,
    restart: Restart = Restart.PERMANENT,
    shutdown: Grace = math.inf,
    significant: bool = False,
    policy: FailurePolicy | None = None,
    dependencies: Iterable[Dependency] = (),
) -> SupervisorSpec:
    """A supervisor of children that come and go: any spec per child, one_for_one, all stopped at once (D6).

    It starts empty; `start_child` adds children, and a child that is down and not restarted is forgotten.

    Args:
        id: its name.
        max_children: how many it may have, those being restarted included; None: no limit (E2).
        intensity: as in `supervisor()`.
        period: as in `supervisor()`.
        restart: as in `supervisor()`.
        shutdown: as in `supervisor()`.
        significant: as in `supervisor()`.
        policy: as in `supervisor()`.
        dependencies: as in `supervisor()`.

    Raises:
        SpecError: the combination cannot be run.
    """
    return SupervisorSpec(
        id=id,
        intensity=intensity,
        period=period,
        restart=restart,
        shutdown=shutdown,
        significant=significant,
        dynamic=True,
        max_children=max_children,
        policy=policy,
        dependencies=cast("tuple[Dependency, ...]", dependencies),
    )


def check_needs(spec: AnySpec, declared: frozenset[str] = frozenset()) -> None:
    """Raise `SpecError` if a child needs a dependency that no supervisor above it declares.

    Args:
        spec: of the child, or of a whole tree.
        declared: names of the dependencies that the supervisors above `spec` declare.
    """
    for name in spec.needs:
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise SpecError(
                f"worker {quoted(spec.id)} needs {quoted(name)}, which no supervisor above it declares (declared: {known}); "
                f"give one of them dependencies=[dependency({quoted(name)}, probe, …)]"
            )
    if isinstance(spec, SupervisorSpec):
        below = declared | {one.id for one in spec.dependencies}
        for child in spec.children:
            check_needs(child, below)


def check_depth(spec: AnySpec, above: int) -> None:
    """Raise `SpecError` if a tree that gets this child would have more levels than a tree may have.

    Args:
        spec: of the child.
        above: supervisors above it.
    """
    levels = above + (spec.levels if isinstance(spec, SupervisorSpec) else 0)
    if levels > DEEPEST:
        raise _too_deep(spec.id, levels)


def _too_deep(id: str, levels: int) -> SpecError:
    return SpecError(
        f"supervisor {quoted(id)}: expected a tree of {DEEPEST} levels of supervisors at the most, got {levels}; "
        "put children side by side"
    )


_NOT_IN_IDS = frozenset("/*?[]")


def _check_child(spec: AnySpec) -> None:
    """The rules for every child, be it worker or supervisor (S4, S6, S7)."""
    id = _as_id(spec.id)
    if id is not spec.id:
        checks.keep(spec, "id", id)
    _check_member("restart", spec.restart, Restart, id)
    _check_shutdown(spec)
    _check_flag("significant", spec.significant, id)
    if spec.policy is not None and not checks.is_a(spec.policy, FailurePolicy):
        raise checks.wrong(
            f"policy of {quoted(spec.id)}", "a FailurePolicy", spec.policy, "write FailurePolicy(on(…), …)"
        )
    if spec.significant and spec.restart is Restart.PERMANENT:
        raise SpecError(
            f"child {quoted(spec.id)} is significant=True and restart=permanent, so it never ends for good; "
            "make it Restart.TRANSIENT or Restart.TEMPORARY, or drop significant"
        )


def _as_id(id: object) -> str:
    found = checks.text(id)
    if not found:
        raise checks.wrong("id", "a name", id)
    if any(c in _NOT_IN_IDS or c.isspace() or not c.isprintable() for c in found[: checks.NAME_LIMIT]):
        raise SpecError(f"id {quoted(id)}: expected a name without blanks and any of / * ? [ ], which paths use")
    return checks.name("id", found)


def _check_cancel(id: str, cancel: object) -> None:
    if type(cancel) is not str or cancel not in ("once", "scope"):
        raise SpecError(f"cancel of worker {id!r}: expected 'once' or 'scope', got {quoted(cancel)}")


def _check_shutdown(spec: AnySpec) -> None:
    grace: object = spec.shutdown
    if type(grace) is float and grace >= 0:
        return
    if checks.text(grace) == "brutal_kill":
        checks.keep(spec, "shutdown", "brutal_kill")
        return
    expected = "seconds (0 or more), math.inf or 'brutal_kill'"
    checks.keep(spec, "shutdown", checks.bounded(f"shutdown of {quoted(spec.id)}", grace, expected, 0.0, math.inf))


def _check_start_timeout(spec: ChildSpec) -> None:
    if spec.start_timeout is None:
        return
    if not spec.ready:
        raise SpecError(
            f"start_timeout={quoted(spec.start_timeout)} of worker {quoted(spec.id)} has nothing to wait for; "
            "add ready=True and call task_status.started() in the worker"
        )
    what = f"start_timeout of worker {quoted(spec.id)}"
    timeout = checks.bounded(what, spec.start_timeout, "seconds above 0", checks.ABOVE_0, math.inf)
    checks.keep(spec, "start_timeout", timeout)


def _check_flags(spec: SupervisorSpec) -> None:
    """The supervisor flags (S2)."""
    id = spec.id
    _check_member("strategy", spec.strategy, Strategy, id)
    _check_member("auto_shutdown", spec.auto_shutdown, AutoShutdown, id)
    _check_flag("dynamic", spec.dynamic, id)
    restarts = "a whole number of restarts, 0 or more"
    checks.keep(spec, "intensity", checks.whole(f"intensity of {quoted(id)}", spec.intensity, restarts, least=0))
    period = checks.bounded(f"period of {quoted(id)}", spec.period, "finite seconds above 0", checks.ABOVE_0)
    checks.keep(spec, "period", period)
    if spec.max_children is not None:
        limit = checks.whole(f"max_children of {quoted(id)}", spec.max_children, "a number above 0 or None", least=1)
        checks.keep(spec, "max_children", limit)


def _check_dynamic(spec: SupervisorSpec) -> None:
    """A dynamic supervisor restarts one for one, starts empty, and ends with none of its children (S2, E2)."""
    kinds = (("strategy", Strategy.ONE_FOR_ONE), ("auto_shutdown", AutoShutdown.NEVER), ("children", ()))
    for name, only in kinds if spec.dynamic else ():
        if (value := getattr(spec, name)) != only:
            said = ", ".join(child.id for child in spec.children) if name == "children" else value
            raise SpecError(
                f"{name} of {quoted(spec.id)}: a dynamic supervisor has none of its own, got {said}; "
                "make it a supervisor(), or leave that out"
            )


def _check_children(spec: SupervisorSpec) -> None:
    seen: set[str] = set()
    for child in spec.children:
        if child.id in seen:
            raise SpecError(
                f"two children of supervisor {quoted(spec.id)} have the id {quoted(child.id)}; give each its own"
            )
        seen.add(child.id)
        _check_significant(child, spec)


def _check_significant(child: AnySpec, spec: SupervisorSpec) -> None:
    if child.significant and spec.auto_shutdown is AutoShutdown.NEVER:
        raise SpecError(
            f"child {quoted(child.id)} is significant=True, but its supervisor {quoted(spec.id)} has auto_shutdown=never; "
            "give the supervisor AutoShutdown.ANY_SIGNIFICANT or ALL_SIGNIFICANT, or drop significant"
        )


def _check_levels(spec: SupervisorSpec) -> None:
    """How deep it is; it is bounded, for a start, a stop and a look go down a tree in one step."""
    below = (child.levels for child in spec.children if isinstance(child, SupervisorSpec))
    checks.keep(spec, "levels", 1 + max(below, default=0))
    check_depth(spec, 0)


def _check_member(name: str, value: object, members: type[StrEnum], owner: str) -> None:
    if type(value) is not members:
        checks.member(f"{name} of {quoted(owner)}", value, members)


def _check_flag(name: str, value: object, owner: str) -> None:
    if type(value) is not bool:
        checks.flag(f"{name} of {quoted(owner)}", value)


def _as_names(owner: str, names: object) -> tuple[str, ...]:
    if checks.is_nothing(names):
        return ()
    what = f"needs of {quoted(owner)}"
    if checks.text(names):
        raise checks.wrong(what, "names of dependencies", names, f"write needs=({quoted(names)},)")
    listed = checks.each(what, names, "names of dependencies", "write needs=(…,)")
    return tuple(checks.name(what, one) for one in listed)


def _as_watchdog(owner: str, watchdog: float | Watchdog | None) -> Watchdog | None:
    if watchdog is None or checks.is_a(watchdog, Watchdog):
        return cast("Watchdog | None", watchdog)
    found = checks.number(watchdog)
    if not checks.SHORTEST <= found <= checks.FINITE:
        raise _no_watchdog(owner, watchdog)
    return Watchdog(within=found)


def _no_watchdog(owner: str, got: object) -> SpecError:
    expected = f"finite seconds, {checks.SHORTEST:g} or more, or a Watchdog"
    return checks.wrong(f"watchdog of worker {quoted(owner)}", expected, got)


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
