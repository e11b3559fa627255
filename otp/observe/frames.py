"""Which frames of a crash or an await chain are somebody's own: neither standard library nor installed packages."""

import sysconfig
from pathlib import PurePath

__all__ = ("own_frames", "short_place")

_STDLIB = sysconfig.get_path("stdlib")


def own_frames(frames: tuple[str, ...]) -> tuple[str, ...]:
    """The own ones among `frames`, in their order; the innermost one if there are none."""
    own = tuple(frame for frame in frames if "site-packages" not in frame and _STDLIB not in frame)
    return own or frames[-1:]


def short_place(place: str) -> str:
    """A file by its name and its folder: `workers/stream.py`, a line number behind it included."""
    return "/".join(PurePath(place).parts[-2:])
