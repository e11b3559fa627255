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

__all__ = ("dynamic_supervisor", "supervisor", "worker")

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
