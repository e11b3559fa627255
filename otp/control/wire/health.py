"""The health of a tree, known from a snapshot alone."""

from collections.abc import Iterator

from otp.control.wire.rows import Blocked, ChildRow, Health, Snapshot
from otp.core.child import ChildState
from otp.core.paths import ancestors

__all__ = ("health_of", "not_turning")


def health_of(snapshot: Snapshot) -> Health:
    """The health of the tree that a snapshot shows."""
    children = snapshot.children
    refused = any(child.state == ChildState.REFUSED for child in children)
    live = snapshot.blocked is None and not refused and snapshot.state != "stopped"
    return Health(
        app=snapshot.app,
        state=snapshot.state,
        live=live,
        ready=live and snapshot.state in ("up", "degraded"),
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
