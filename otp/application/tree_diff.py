"""The differences of two trees, apart from the code of their workers."""

from collections.abc import Iterator

from otp.core.paths import join
from otp.spec import AnySpec, ChildSpec, SupervisorSpec

_OF_ALL = ("restart", "shutdown", "significant")
_OF_WORKERS = (*_OF_ALL, "ready", "start_timeout", "needs")
_OF_SUPERVISORS = (*_OF_ALL, "strategy", "intensity", "period", "auto_shutdown", "dynamic", "max_children")


def changes(old: AnySpec, new: AnySpec, above: str = "") -> Iterator[str]:
    """One phrase for each difference that a reader of both trees would see, from the root down.

    Functions, arguments, policies, watchdogs and probes are left out: built anew they never compare equal.
    """
    path = join(above, old.id)
    if new.id != old.id:
        yield f"{path} is called {new.id}"
    if isinstance(old, SupervisorSpec) and isinstance(new, SupervisorSpec):
        yield from _fields(path, old, new, _OF_SUPERVISORS)
        yield from _children(path, old, new)
    elif isinstance(old, ChildSpec) and isinstance(new, ChildSpec):
        yield from _fields(path, old, new, _OF_WORKERS)
    else:
        yield f"{path} is a {'supervisor' if isinstance(new, SupervisorSpec) else 'worker'}"


def _fields(path: str, old: AnySpec, new: AnySpec, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if getattr(old, name) != getattr(new, name):
            yield f"{path} has {name}={getattr(new, name)}"


def _children(path: str, old: SupervisorSpec, new: SupervisorSpec) -> Iterator[str]:
    before = {child.id: child for child in old.children}
    after = {child.id: child for child in new.children}
    for id in before:
        if id not in after:
            yield f"{join(path, id)} is gone"
    for id in after:
        if id not in before:
            yield f"{join(path, id)} is new"
    if [id for id in before if id in after] != [id for id in after if id in before]:
        yield f"{path} starts its children in another order"
    for id, child in before.items():
        if id in after:
            yield from changes(child, after[id], path)
