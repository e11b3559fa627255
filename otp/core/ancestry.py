"""From a path to specs: the child that it names, and the supervisors above it."""

from otp.core.paths import join, parts
from otp.errors import NotFound
from otp.spec import AnySpec, SupervisorSpec


def ancestry(tree: SupervisorSpec, path: str) -> tuple[AnySpec, tuple[SupervisorSpec, ...]]:
    """The spec of the child at `path`, and those of its supervisors, the nearest first and the root last.

    Args:
        tree: the spec of the whole tree.
        path: of the child, the id of the root first.

    Raises:
        NotFound: there is no such child.
    """
    root, *ids = parts(path) or ("",)
    if root != tree.id or not ids:
        raise NotFound(path, tuple(join(tree.id, child.id) for child in tree.children))
    child: AnySpec = tree
    above: list[SupervisorSpec] = []
    for id in ids:
        children: dict[str, AnySpec] = {}
        if isinstance(child, SupervisorSpec):
            above.insert(0, child)
            children = {one.id: one for one in child.children}
        if id not in children:
            raise NotFound(path, tuple(children))
        child = children[id]
    return child, tuple(above)
