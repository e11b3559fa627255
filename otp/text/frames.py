"""Which frames of a crash or an await chain are somebody's own: neither standard library nor installed packages."""

import sysconfig
from functools import lru_cache
from pathlib import PurePath

_STDLIB = sysconfig.get_path("stdlib")
_FAULTS = str(PurePath(__file__).parents[1] / "faults.py")
"""What stands around every worker where faults are allowed is nobody's own either."""

_OTHERS = ("site-packages", _STDLIB, _FAULTS)

CHAIN_LIMIT = 4
"""Own steps of an await chain that a line shows: the innermost."""


def own_frames(frames: tuple[str, ...]) -> tuple[str, ...]:
    """The own ones among `frames`, in their order; the innermost one if there are none."""
    own = tuple(frame for frame in frames if not any(sign in frame for sign in _OTHERS))
    return own or frames[-1:]


@lru_cache(maxsize=1_024)  # an error has the same few places each time, and is told often
def short_place(place: str) -> str:
    """A file by its name and its folder: `workers/stream.py`, a line number behind it included."""
    return "/".join(PurePath(place).parts[-2:])


def hanging_place(chain: tuple[str, ...], steps: int = CHAIN_LIMIT) -> str:
    """Where an await chain hangs: its own steps, outermost first; the innermost `steps` of them."""
    own = [step.rpartition(" ") for step in own_frames(chain)[-steps:]]
    return " → ".join(f"{function} ({short_place(place[1:-1])})" for function, _, place in own)


def blocking_place(stack: tuple[str, ...]) -> str:
    """The same for a stack of frames, as `file:line function`."""
    frames = [frame.rpartition(" ") for frame in own_frames(stack)[-CHAIN_LIMIT:]]
    return " → ".join(f"{function} ({short_place(place)})" for place, _, function in frames)
