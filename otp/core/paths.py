"""Paths: `massive/workers/ws_worker` names a child by the ids from the root of its tree down."""

from collections.abc import Iterator


def join(parent: str, child: str) -> str:
    """The path of `child` under `parent`; an empty parent is above the root."""
    return f"{parent}/{child}" if parent else child


def parent_of(path: str) -> str:
    """The path of the supervisor above; empty above the root."""
    return path.rpartition("/")[0]


def id_of(path: str) -> str:
    """The id of the child that a path names: its last part."""
    return path.rpartition("/")[2]


def below_root(path: str) -> str:
    """A path without the id of the root; empty for the root itself."""
    return path.partition("/")[2]


def ancestors(path: str) -> Iterator[str]:
    """The paths of the supervisors above, the nearest first and the root last."""
    while path := parent_of(path):
        yield path


def is_within(path: str, above: str) -> bool:
    """Whether `path` is `above` or a child somewhere below it."""
    return path == above or path.startswith(f"{above}/")


def parts(path: str) -> tuple[str, ...]:
    """The ids along a path, outermost first; empty for an empty path. Slashes at either end do not matter."""
    return tuple(part for part in path.split("/") if part)
