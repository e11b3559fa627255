"""How the state of a child looks: a sign and a word, and a tone that a theme gives a colour.

The sign and the word say it all; the tone is for those who see colours.
"""

from typing import Literal

from otp.control.wire.rows import ChildRow
from otp.core.child import ChildState

__all__ = ("LEVELS", "Tone", "gravity", "is_problem", "sign", "tone")

Tone = Literal["good", "waiting", "bad", "quiet", "plain"]

_LOOKS: dict[str, tuple[str, Tone]] = {
    ChildState.PENDING: ("·", "quiet"),
    ChildState.STARTING: ("◌", "waiting"),
    ChildState.RUNNING: ("●", "good"),
    ChildState.STOPPING: ("◍", "waiting"),
    ChildState.EXITED: ("○", "waiting"),
    ChildState.RESTARTING: ("↻", "waiting"),
    ChildState.STOPPED: ("■", "quiet"),
    ChildState.DONE: ("✓", "quiet"),
    ChildState.BACKOFF: ("◷", "waiting"),
    ChildState.HELD: ("‖", "waiting"),
    ChildState.PAUSED: ("◫", "waiting"),
    ChildState.FAILED: ("✗", "bad"),
    ChildState.REFUSED: ("!", "bad"),
}
_UNKNOWN: tuple[str, Tone] = ("?", "plain")

LEVELS: dict[str, Tone] = {"DEBUG": "quiet", "WARNING": "waiting", "ERROR": "bad", "CRITICAL": "bad"}
"""The tone of an event or a log line; that of INFO, and of any other, is plain."""


def sign(state: str) -> str:
    """One character."""
    return _LOOKS.get(state, _UNKNOWN)[0]


def tone(row: ChildRow) -> Tone:
    """Bad: somebody has to do something. Waiting: it is being dealt with."""
    found = _LOOKS.get(row.state, _UNKNOWN)[1]
    return "waiting" if found == "quiet" and not row.ready and row.state != ChildState.PENDING else found


def gravity(row: ChildRow) -> int:
    """How grave it is: 3 it stays down, 2 it is down for now, 1 it fails now and then, 0 all is well."""
    if tone(row) == "bad":
        return 3
    if not row.ready:
        return 2
    return 1 if row.streak or row.incident else 0


def is_problem(row: ChildRow) -> bool:
    """Whether an operator would want to see it first."""
    return gravity(row) > 1
