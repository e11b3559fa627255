"""The commands that a client may send, those that look and those that act.

Nothing in a command names code; a field that is not known, of another type or out of bounds is refused.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Id = Annotated[str, Meta(min_length=1, max_length=128)]
"""The id of a request, made by the client, or of an incident."""

Path = Annotated[str, Meta(max_length=1_000)]
"""A path or a pattern."""

Reason = Annotated[str, Meta(max_length=4_000)]
"""Why, for the audit, which keeps the beginning of it."""

Seconds = Annotated[float, Meta(ge=0, le=1e9)]
"""A duration; one without end is None."""


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
        path: a path or pattern; only events about it and below it; empty: all.
        limit: the newest, so many at most.
        debug: also those of healthy operation.
    """

    path: Path = ""
    limit: int = 100
    debug: bool = False


class GetIncidents(_Command, frozen=True, kw_only=True, tag="incidents"):
    """Incidents, newest first.

    Attributes:
        path: a path or pattern; empty: all.
        resolved: also those that are over.
    """

    path: Path = ""
    resolved: bool = False


class Explain(_Command, frozen=True, kw_only=True, tag="explain"):
    """What the settings of a child mean: when it is given up, and what follows."""

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
        all: it may be more than one child.
        dry_run: only say what the command would touch.
        reason: why, for the audit.
    """

    path: Path
    all: bool = False
    dry_run: bool = False
    reason: Reason = ""


class Restart(_Acting, frozen=True, kw_only=True, tag="restart"):
    """Stop a child, wait until it is gone, start it afresh; siblings as the strategy says. Counted as manual."""


class Stop(_Acting, frozen=True, kw_only=True, tag="stop"):
    """Stop a child, and leave it down."""


class Start(_Acting, frozen=True, kw_only=True, tag="start"):
    """Start a child that is down."""


class Reset(_Acting, frozen=True, kw_only=True, tag="reset"):
    """Forget the streak and the budgets of a child, and the window of a supervisor."""


class Pause(_Acting, frozen=True, kw_only=True, tag="pause"):
    """Begin maintenance: no restarts, no alerts.

    Attributes:
        seconds: until it ends by itself; None: by a Resume.
    """

    seconds: Seconds | None = None


class Resume(_Acting, frozen=True, kw_only=True, tag="resume"):
    """End maintenance; what ended meanwhile is started."""


class InjectFault(_Acting, frozen=True, kw_only=True, tag="fault"):
    """Make a worker fail on purpose, in a process that was started with faults.

    Attributes:
        kind: how.
        times: incarnations that are hit; None: one, or with `flap` as many as there is time for.
        seconds: after which the fault is over.
    """

    kind: Literal["crash", "hang", "cancel", "block-loop", "flap"]
    times: int | None = None
    seconds: float = 30.0


class ResolveIncident(_Command, frozen=True, kw_only=True, tag="resolve"):
    """Resolve an incident by hand."""

    incident: Id
    reason: Reason = ""


class Drain(_Command, frozen=True, kw_only=True, tag="drain"):
    """Report not ready, stop the whole tree in order, and end the process with code 0.

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
"""Commands that change something."""

Looking = GetSnapshot | GetHealth | GetEvents | GetIncidents | Explain | GetWhy | GetStack | Watch
"""Commands that change nothing."""

Command = Looking | Acting
