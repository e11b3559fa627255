"""The functions that build specs: one for each kind of child."""

import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, TypeVarTuple, cast, overload

from otp.dependency import Dependency
from otp.policy import FailurePolicy
from otp.spec.child_spec import ChildSpec, as_watchdog
from otp.spec.options import (
    DEFAULT_INTENSITY,
    DEFAULT_PERIOD,
    DEFAULT_SHUTDOWN,
    AutoShutdown,
    Cancel,
    Grace,
    Restart,
    StartsUp,
    Strategy,
)
from otp.spec.supervisor_spec import AnySpec, SupervisorSpec
from otp.watchdog import Watchdog

Ts = TypeVarTuple("Ts")


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
        ready: whether it takes `task_status` and calls `task_status.started(value)` when it is up, for which later
            siblings wait. Without it a child counts as started when its task is scheduled.
        restart: permanent, transient or temporary (S16).
        shutdown: seconds to clean up when stopped, `math.inf`, or "brutal_kill". On asyncio the worker is cancelled once,
            outside of any anyio shield, and then cleans up undisturbed until that time is over. On trio its scope is
            cancelled, as trio's code expects: a clean-up that awaits is shielded by the worker. A worker that has not
            ended by then is killed: cancelled again and again (S43).
        significant: whether its end may end the supervisor (`auto_shutdown`, S40). Not for permanent children.
        start_timeout: seconds to become ready, needs `ready=True`; None: as long as it takes.
        policy: which failure gets which action; None: it is restarted at once, as in OTP (D5). With a policy, or with
            needs, its failed first start is tried again too (S13).
        needs: names of dependencies that supervisors above declare. When it fails while one of them is down, it is held
            until all are back, which costs no restarts.
        watchdog: seconds within which it has to call `otp.beat()`, again and again while it is up, or a `Watchdog`. A
            worker that is silent for longer is stopped, and has failed with `Hung`. None: no limit.
        cancel: how it is asked to stop on asyncio: "once", by one cancellation, or "scope", by a cancel scope, as code
            that is written for anyio may expect. On trio it is always a scope.

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
        watchdog=as_watchdog(id, watchdog),
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
        strategy: which siblings are restarted with a child that fails.
        intensity: restarts allowed within `period`; at one more the supervisor gives up (S27). 0: none.
        period: seconds.
        auto_shutdown: whether it ends with its significant children (S40).
        restart: how its own supervisor treats it.
        shutdown: seconds for the whole subtree to stop. With less than `math.inf` a subtree may be killed while its
            children still clean up (S5).
        significant: whether its own end may end the supervisor above.
        policy: how the supervisor above treats its failures.
        dependencies: those that workers below may name in `needs`.

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
        max_children: how many children it may have, including those being restarted; None: no limit (E2).
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
