"""What can be asked over a control socket, and what of it acts.

Nothing in a command names code; a field that is not known, of another type or out of bounds is refused.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

__all__ = (
    "ACTING",
    "ON_CHILDREN",
    "Acting",
    "Command",
    "Drain",
    "Explain",
    "GetEvents",
    "GetHealth",
    "GetIncidents",
    "GetSnapshot",
    "GetStack",
    "GetWhy",
    "Id",
    "InjectFault",
    "OnChildren",
    "Pause",
    "Reset",
    "ResolveIncident",
    "Restart",
    "Resume",
    "Start",
    "Stop",
    "Watch",
)

Id = Annotated[str, Meta(min_length=1, max_length=128)]
"""What a client or the process calls a request, an incident."""

Path = Annotated[str, Meta(max_length=1_000)]
"""A path or a pattern."""

Reason = Annotated[str, Meta(max_length=4_000)]
"""Why, for the audit, which keeps less of it."""

Seconds = Annotated[float, Meta(ge=0, le=1e9)]
"""So many, and never for ever: that is None."""


# ------------------------------------------------------------------------------------------------ commands that look


class _Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class GetSnapshot(_Command, frozen=True, kw_only=True, tag="snapshot"):
    """The whole tree."""


class GetHealth(_Command, frozen=True, kw_only=True, tag="health"):
    """Whether all is well."""


class GetEvents(_Command, frozen=True, kw_only=True, tag="events"):
    """The last events.

    Attributes:
        path: a path or pattern: only what is about it, or below it; empty: all.
        limit: so many at most, the newest.
        debug: healthy operation too.
    """

    path: Path = ""
    limit: int = 100
    debug: bool = False


class GetIncidents(_Command, frozen=True, kw_only=True, tag="incidents"):
    """Incidents, newest first.

    Attributes:
        path: a path or pattern; empty: all.
        resolved: those that are over too.
    """

    path: Path = ""
    resolved: bool = False


class Explain(_Command, frozen=True, kw_only=True, tag="explain"):
    """What the settings of a child mean: when it is given up, and what then."""

    path: Path


class GetWhy(_Command, frozen=True, kw_only=True, tag="why"):
    """All that helps to understand one child."""

    path: Path


class GetStack(_Command, frozen=True, kw_only=True, tag="stack"):
    """Where a worker is, or all workers below a supervisor."""

    path: Path


class Watch(_Command, frozen=True, kw_only=True, tag="watch"):
    """A snapshot, and from then on what changes. Nothing else can be asked on this connection."""


# ------------------------------------------------------------------------------------------------ commands that act


class _Acting(_Command, frozen=True, kw_only=True):
    """A command on children.

    Attributes:
        path: a path, or a pattern as `workers/*`; with or without the root's id in front.
        all: acting on more than one is meant.
        dry_run: only say what would be touched.
        reason: why, for the audit.
    """

    path: Path
    all: bool = False
    dry_run: bool = False
    reason: Reason = ""


class Restart(_Acting, frozen=True, kw_only=True, tag="restart"):
    """Stop, wait until it is gone, start afresh; siblings as the strategy says. Counted as manual."""


class Stop(_Acting, frozen=True, kw_only=True, tag="stop"):
    """Stop a child, and leave it down."""


class Start(_Acting, frozen=True, kw_only=True, tag="start"):
    """Start a child that is down."""


class Reset(_Acting, frozen=True, kw_only=True, tag="reset"):
    """Forget the streak and the budgets of a child, and the window of a supervisor."""


class Pause(_Acting, frozen=True, kw_only=True, tag="pause"):
    """Begin maintenance: no restarts, no alerts.

    Attributes:
        seconds: until it ends by itself; None: when somebody resumes.
    """

    seconds: Seconds | None = None


class Resume(_Acting, frozen=True, kw_only=True, tag="resume"):
    """End maintenance; what ended meanwhile is started."""


class InjectFault(_Acting, frozen=True, kw_only=True, tag="fault"):
    """Make a worker fail on purpose, in a process that was started with faults.

    Attributes:
        kind: how.
        times: incarnations that are hit; None: one, and of `flap` as many as there is time for.
        seconds: after which nothing of it is left.
    """

    kind: Literal["crash", "hang", "cancel", "block-loop", "flap"]
    times: int | None = None
    seconds: float = 30.0


class ResolveIncident(_Command, frozen=True, kw_only=True, tag="resolve"):
    """Call an incident over."""

    incident: Id
    reason: Reason = ""


class Drain(_Command, frozen=True, kw_only=True, tag="drain"):
    """Be ready no more, stop the whole tree in order, and end the process with code 0.

    Attributes:
        seconds: after which what is left is stopped at once; None: as the process was started.
        dry_run: only say what would be stopped.
        reason: why, for the audit.
    """

    seconds: Seconds | None = None
    dry_run: bool = False
    reason: Reason = ""


OnChildren = Restart | Stop | Start | Reset | Pause | Resume | InjectFault
"""Commands on the children that a path or a pattern names."""

Acting = OnChildren | ResolveIncident | Drain
Command = (
    GetSnapshot
    | GetHealth
    | GetEvents
    | GetIncidents
    | Explain
    | GetWhy
    | GetStack
    | Watch
    | Restart
    | Stop
    | Start
    | Reset
    | Pause
    | Resume
    | InjectFault
    | ResolveIncident
    | Drain
)
ON_CHILDREN: Final = (Restart, Stop, Start, Reset, Pause, Resume, InjectFault)
ACTING: Final = (*ON_CHILDREN, ResolveIncident, Drain)
