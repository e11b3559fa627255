"""Paths: `massive/workers/ws_worker` names a child from the root of its tree down."""

__all__ = ("is_within", "join", "parts")


def join(parent: str, child: str) -> str:
    """The path of `child` under `parent`; an empty parent is above the root."""
    return f"{parent}/{child}" if parent else child


def is_within(path: str, above: str) -> bool:
    """Whether `path` is `above` or a child somewhere below it."""
    return path == above or path.startswith(f"{above}/")


def parts(path: str) -> tuple[str, ...]:
    """The ids along a path, outermost first; empty for an empty path. Slashes at either end do not matter."""
    return tuple(part for part in path.split("/") if part)
