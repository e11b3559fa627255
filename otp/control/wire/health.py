"""The health of a tree, read off a snapshot alone; what live and ready mean is in `otp.core.readiness`."""

from collections import Counter
from collections.abc import Iterator

from otp.control.wire.rows import Blocked, ChildRow, Health, Snapshot, TreeState
from otp.core.child import ChildState
from otp.core.paths import ancestors
from otp.core.readiness import Readiness, TreePhase

_PHASES: dict[TreeState, TreePhase] = {
    "starting": "starting",
    "up": "up",
    "degraded": "up",
    "stopping": "stopping",
    "stopped": "ended",
}


def health_of(snapshot: Snapshot) -> Health:
    """Whether all is well in the tree of this snapshot."""
    children = snapshot.children
    readiness = Readiness(
        phase=_PHASES[snapshot.state],
        states=Counter(child.state for child in children),
        refused=tuple(child.path for child in children if child.state == ChildState.REFUSED),
        blocked=snapshot.blocked.who if snapshot.blocked is not None else "",
    )
    return Health(
        app=snapshot.app,
        state=snapshot.state,
        live=readiness.live,
        ready=readiness.ready,
        up=sum(child.ready for child in children),
        total=len(children),
        problems=tuple(_problems(snapshot)),
    )


def _problems(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.blocked is not None:
        yield not_turning(snapshot.blocked)
    if snapshot.state not in ("up", "degraded"):
        yield f"{snapshot.app} is {snapshot.state}"
    for need in snapshot.needs:
        if need.down_s is not None:
            yield f"{need.path} needs {need.name}, which is down since {need.down_s:.0f} s: {need.last}"
    down = {child.path: child for child in snapshot.children if not child.ready}
    for path, child in down.items():
        if not any(above in down for above in ancestors(path)):
            yield _down(child)


def not_turning(blocked: Blocked) -> str:
    """What keeps the tree's event loop, in a sentence."""
    where = f", at {blocked.stack[-1]}" if blocked.stack else ""
    return f"the event loop has not turned for {blocked.seconds:.1f} s: {blocked.who} keeps it{where}"


def _down(child: ChildRow) -> str:
    text = f"{child.path} is {child.state}"
    if child.next_retry_s is not None:
        text += f", next try in {child.next_retry_s:.1f} s"
    return f"{text}: {child.last_cause}" if child.last_cause else text
