"""The blast radius: the children that a command touches, known from an outline of the tree before anything is done."""

from collections.abc import Iterable, Sequence

from otp.control.wire.rows import Explained
from otp.control.wire.targets import Node
from otp.core.explain import explain
from otp.core.paths import is_within, parent_of
from otp.core.strategy import taken_along
from otp.spec import Strategy, SupervisorSpec


def explained(tree: SupervisorSpec, rows: Sequence[Node], path: str) -> Explained:
    """Say when a child is given up, and what a restart of it touches.

    Args:
        tree: its root's spec.
        rows: the outline of that tree, the root first.
        path: of the child.

    Raises:
        NotFound: the tree has no such child.
    """
    found = explain(tree, path)
    touched = of_restart(rows, path)
    return Explained(text=str(found), explanation=found, radius=touched, untouched=len(rows) - 1 - len(touched))


def of_restart(rows: Iterable[Node], path: str) -> tuple[str, ...]:
    """The children that a restart of `path` stops and starts, in start order: all below it, and the siblings taken along.

    Args:
        rows: of the whole tree, the root first.
        path: of the child.
    """
    rows = tuple(rows)
    above = parent_of(path)
    said = next((row.strategy for row in rows if row.path == above), "")
    strategy = Strategy.ONE_FOR_ONE if said in ("", "dynamic") else Strategy(said)
    siblings = [row.path for row in rows if row.path != above and parent_of(row.path) == above]
    group = set(taken_along(strategy, siblings, path))
    return tuple(row.path for row in rows if _child_above(row.path, above) in group)


def of_stop(rows: Iterable[Node], path: str) -> tuple[str, ...]:
    """The children that a stop or a start of `path` touches: itself and all below it, in start order."""
    return tuple(row.path for row in rows if is_within(row.path, path))


def _child_above(path: str, above: str) -> str:
    """The child of `above` that `path` is, or is below; empty if there is none."""
    if not is_within(path, above) or path == above:
        return ""
    end = path.find("/", len(above) + 1)
    return path if end < 0 else path[:end]
