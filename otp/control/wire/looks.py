"""How a tree looks: one table for the command line, for `otp top`, and for any other face.

A state has a sign and a tone, and its own name is the word for it. Sign and word say it all; the tone repeats it for those
who see colours. Each face maps the tones to the colours of its toolkit.
"""

from enum import StrEnum
from typing import NamedTuple

from otp.control.wire.rows import ChildRow, Health
from otp.core.child import ChildState


class Tone(StrEnum):
    """The meaning of a look for an operator."""

    GOOD = "good"
    """All is well."""

    WAITING = "waiting"
    """It is being dealt with."""

    BAD = "bad"
    """An operator has to do something."""

    QUIET = "quiet"
    """It is as it is meant to be, and nothing runs."""

    PLAIN = "plain"
    """There is nothing to say by a colour."""


class Look(NamedTuple):
    """A sign of one character, and a tone."""

    sign: str
    tone: Tone


STATES: dict[str, Look] = {
    ChildState.PENDING: Look("·", Tone.QUIET),
    ChildState.STARTING: Look("◌", Tone.WAITING),
    ChildState.RUNNING: Look("●", Tone.GOOD),
    ChildState.STOPPING: Look("◍", Tone.WAITING),
    ChildState.EXITED: Look("○", Tone.WAITING),
    ChildState.RESTARTING: Look("↻", Tone.WAITING),
    ChildState.STOPPED: Look("■", Tone.QUIET),
    ChildState.DONE: Look("✓", Tone.QUIET),
    ChildState.BACKOFF: Look("◷", Tone.WAITING),
    ChildState.HELD: Look("‖", Tone.WAITING),
    ChildState.PAUSED: Look("◫", Tone.WAITING),
    ChildState.FAILED: Look("✗", Tone.BAD),
    ChildState.REFUSED: Look("!", Tone.BAD),
}
"""Each `ChildState`. A worker and a supervisor in the same state look the same."""

UNKNOWN = Look("?", Tone.PLAIN)
"""A state that only a newer server knows."""

TREES: dict[str, Tone] = {
    "starting": Tone.PLAIN,
    "up": Tone.GOOD,
    "degraded": Tone.WAITING,
    "stopping": Tone.PLAIN,
    "stopped": Tone.PLAIN,
}

INCIDENTS: dict[str, Tone] = {"open": Tone.BAD, "resolved": Tone.QUIET}

LEVELS: dict[str, Tone] = {
    "DEBUG": Tone.QUIET,
    "INFO": Tone.PLAIN,
    "WARNING": Tone.WAITING,
    "ERROR": Tone.BAD,
    "CRITICAL": Tone.BAD,
}
"""The levels of events and log lines; see `tone_of_level`."""

NEED_DOWN = Tone.WAITING
"""The tone of a need that is down: children are held for it, and resume by themselves."""


def sign(state: str) -> str:
    """The sign of a state."""
    return STATES.get(state, UNKNOWN).sign


def tone(row: ChildRow) -> Tone:
    """The tone of a child. One that is down without having ended for good is no quiet sight."""
    found = STATES.get(row.state, UNKNOWN).tone
    return Tone.WAITING if found is Tone.QUIET and not row.ready and row.state != ChildState.PENDING else found


def tone_of_level(level: str) -> Tone:
    """The tone of an event or a log line; a level that a program has made up is plain."""
    return LEVELS.get(level, Tone.PLAIN)


def of_health(health: Health) -> Tone:
    """The tone of a tree's health."""
    if health.live and health.ready and not health.problems:
        return Tone.GOOD
    return Tone.WAITING if health.live else Tone.BAD


def gravity(row: ChildRow) -> int:
    """How grave the state of a child is: 3 it stays down, 2 it is down for now, 1 it fails now and then, 0 all is well."""
    if tone(row) is Tone.BAD:
        return 3
    if not row.ready:
        return 2
    return 1 if row.streak or row.incident else 0
