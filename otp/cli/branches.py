"""The branches of a tree, drawn with lines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from otp.core.paths import id_of, parent_of


def drawn(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each path behind its name with the branches of the tree before it, the root first.

    Args:
        paths: the root's first, and those of siblings in their order.
    """
    root, *others = paths
    below: dict[str, list[str]] = {}
    for path in others:
        below.setdefault(parent_of(path), []).append(path)
    yield root, root
    yield from _branches(below, root, "")


def _branches(below: Mapping[str, Sequence[str]], above: str, indent: str) -> Iterator[tuple[str, str]]:
    children = below.get(above, ())
    for number, path in enumerate(children, start=1):
        branch, deeper = ("└─ ", "   ") if number == len(children) else ("├─ ", "│  ")
        yield f"{indent}{branch}{id_of(path)}", path
        yield from _branches(below, path, indent + deeper)
