"""Paths: `massive/workers/ws_worker` names a child from the root of its tree down."""

from fnmatch import fnmatchcase

__all__ = ("is_pattern", "is_within", "join", "matches", "parts")


def join(parent: str, child: str) -> str:
    """The path of `child` under `parent`; an empty parent is above the root."""
    return f"{parent}/{child}" if parent else child


def is_within(path: str, above: str) -> bool:
    """Whether `path` is `above` or a child somewhere below it."""
    return path == above or path.startswith(f"{above}/")


def parts(path: str) -> tuple[str, ...]:
    """The ids along a path, outermost first; empty for an empty path. Slashes at either end do not matter."""
    return tuple(part for part in path.split("/") if part)


def is_pattern(path: str) -> bool:
    """Whether it may name more than one child: it holds `*`, `?` or `[`."""
    return any(sign in path for sign in "*?[")


def matches(path: str, pattern: str) -> bool:
    """Whether the pattern names `path`: `*`, `?` and `[…]` stand for text within one id, `**` for any ids, also none."""
    return _match(parts(path), parts(pattern))


def _match(ids: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return not ids
    first, rest = patterns[0], patterns[1:]
    if first == "**":
        return any(_match(ids[skipped:], rest) for skipped in range(len(ids) + 1))
    return bool(ids) and fnmatchcase(ids[0], first) and _match(ids[1:], rest)
