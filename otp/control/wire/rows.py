"""What is shown of a running tree: frozen records, the same on the wire, in JSON and in every front end.

Seconds in a row are those at the moment of its message; `wall` is seconds since 1970. A path begins with the root's id.
"""

from typing import Literal

from msgspec import Struct

from otp.core.explain import Explanation
from otp.core.facts import ChildFacts

SCHEMA = 1
"""Version of the documents that commands print as JSON."""

TreeState = Literal["starting", "up", "degraded", "stopping", "stopped"]
"""`up`: all children are as they should be; `degraded`: the tree has started, and some are not."""


class _Row(Struct, frozen=True, kw_only=True):
    pass


class ChildRow(ChildFacts, frozen=True, kw_only=True):
    """One child, or the root itself, as it is now: the record that is sent, and that each face prints of a child.

    Attributes:
        ready: it is up; or it has ended for good, as it was meant to.
        up_s: seconds since it came up; None while it is not.
        next_retry_s: seconds until it is restarted, while it waits for that; None: it does not, or that is not known yet.
        down_s: seconds since it went down, while it is down and not meant to be.
        downtime_s: seconds down all together, up to now.
        availability: share of the time since its first start in which it was not down; None before that.
        mtbf_s: seconds up for each failure; None without one.
        last_cause: its last failure in a few words; empty without one.
        last_wall: when that was.
        incident: id of its newest open incident; empty without one.
        paused_s: seconds until its maintenance ends by itself; None: it does not.
        used: restarts in the window of a supervisor that runs.
        intensity: how many that allows.
        period_s: its length in seconds; 0 without a window.
    """

    ready: bool
    up_s: float | None = None
    next_retry_s: float | None = None
    down_s: float | None = None
    downtime_s: float = 0.0
    availability: float | None = None
    mtbf_s: float | None = None
    last_cause: str = ""
    last_wall: float | None = None
    incident: str = ""
    paused_s: float | None = None
    used: int = 0
    intensity: int = 0
    period_s: float = 0.0


class Blocked(_Row, frozen=True, kw_only=True):
    """The event loop does not turn: one call keeps it.

    Attributes:
        path: the child, or the supervisor, whose call it is; that of the root if it is not known.
        seconds: for how long.
        stack: where it is, outermost first, as `file:line function`.
        callback: the function of the program that does not return, as "hook shop.audit"; empty: it is none.
    """

    path: str
    seconds: float
    stack: tuple[str, ...]
    callback: str = ""

    @property
    def who(self) -> str:
        """The name of what keeps the loop: a function of the program with the path that it was called for, or that path."""
        return f"{self.callback} of {self.path}" if self.callback else self.path


class NeedRow(_Row, frozen=True, kw_only=True):
    """Something that children need, and that has been down.

    Attributes:
        path: the supervisor that declares it.
        name: its name.
        down_s: seconds since it was found down; None while it is not.
        outages: how often that was.
        downtime_s: seconds down all together.
        last: what its probe raised last.
    """

    path: str
    name: str
    down_s: float | None
    outages: int
    downtime_s: float
    last: str


class EventRow(_Row, frozen=True, kw_only=True):
    """One thing that happened.

    Attributes:
        seq: its number in this process, from 1.
        wall: when.
        event: its kind, as `child.restarting`; of what an operator did, `operator.restart` and so on.
        path: whom it is about.
        level: DEBUG (healthy operation), INFO, WARNING, ERROR or CRITICAL.
        text: what it means.
    """

    seq: int
    wall: float
    event: str
    path: str
    level: str
    text: str


class _Moment(_Row, frozen=True, kw_only=True):
    """The part that each message about a whole tree has.

    Attributes:
        seq: number of the last event that it contains.
        wall: when it was true.
        state: of the tree.
        blocked: what keeps the event loop; None: it turns.
        root: the root supervisor.
        needs: what children need and has been down.
        open_incidents: how many.
    """

    seq: int
    wall: float
    state: TreeState
    blocked: Blocked | None
    root: ChildRow
    needs: tuple[NeedRow, ...]
    open_incidents: int


class Snapshot(_Moment, frozen=True, kw_only=True, tag="snapshot"):
    """A whole tree.

    Attributes:
        app: the id of the root.
        pid: of the process.
        version: of otp in that process.
        backend: of the event loop.
        up_s: seconds since the process began to serve.
        lag_s: how late the event loop turned at the worst in the last minute; None: that is not watched.
        stale_s: seconds since it was true, when the event loop could not be asked.
        faults: whether faults may be injected.
        children: all but the root, each before its own children, in start order.
    """

    app: str
    pid: int
    version: str
    backend: str
    up_s: float
    lag_s: float | None
    faults: bool
    children: tuple[ChildRow, ...]
    stale_s: float = 0.0

    @property
    def rows(self) -> tuple[ChildRow, ...]:
        """The root and its children."""
        return self.root, *self.children


class Delta(_Moment, frozen=True, kw_only=True, tag="delta"):
    """What changed since the message before.

    Attributes:
        changed: the children that are new or different. A new one stands behind its siblings.
        removed: paths of those that are gone; all below them are too.
        events: what happened, in order.
    """

    changed: tuple[ChildRow, ...]
    removed: tuple[str, ...]
    events: tuple[EventRow, ...]


class IncidentRow(_Row, frozen=True, kw_only=True):
    """One incident; see `otp.observe.incident.Incident`."""

    id: str
    path: str
    state: Literal["open", "resolved"]
    count: int
    cause: str
    message: str
    frame: str
    fingerprint: str
    verdict: str
    worst: str
    opened_wall: float
    last_wall: float
    resolved_wall: float | None
    downtime_s: float
    injected: bool
    maintenance: bool


class FailureRow(_Row, frozen=True, kw_only=True):
    """One of the last failures of a child; see `otp.observe.snapshots.PastFailure`."""

    wall: float
    outcome: str
    verdict: str
    text: str
    frame: str


class LogRow(_Row, frozen=True, kw_only=True):
    """One line that a child logged, secrets taken out."""

    wall: float
    level: str
    text: str


class TaskRow(_Row, frozen=True, kw_only=True):
    """One task of a worker.

    Attributes:
        name: of the task.
        depth: 0 for the worker's own, 1 for one that it started, and so on.
        chain: what it awaits, outermost first, as `function (file:line)`.
    """

    name: str
    depth: int
    chain: tuple[str, ...]


class StackRow(_Row, frozen=True, kw_only=True):
    """Where one worker is."""

    path: str
    state: str
    tasks: tuple[TaskRow, ...]


class Explained(_Row, frozen=True, kw_only=True, tag="explained"):
    """When a child is given up, and what a restart of it touches.

    Attributes:
        text: for people.
        explanation: for programs.
        radius: the paths that a restart of it stops and starts, in start order.
        untouched: how many others there are.
    """

    text: str
    explanation: Explanation
    radius: tuple[str, ...]
    untouched: int


class Why(_Row, frozen=True, kw_only=True, tag="why"):
    """All that helps to understand one child.

    Attributes:
        child: itself.
        siblings: the others of its supervisor, in start order.
        supervisor: the one above.
        incidents: its own, newest first.
        failures: the last ones, oldest first.
        needs: what is down, or was, of what it needs.
        timeline: what happened to it, its siblings and the supervisors above, oldest first.
        log: the last lines of its log.
        stacks: where it is now.
        explained: what its settings mean; None for the root.
    """

    child: ChildRow
    supervisor: ChildRow
    siblings: tuple[ChildRow, ...]
    incidents: tuple[IncidentRow, ...]
    failures: tuple[FailureRow, ...]
    needs: tuple[NeedRow, ...]
    timeline: tuple[EventRow, ...]
    log: tuple[LogRow, ...]
    stacks: tuple[StackRow, ...]
    explained: Explained | None


class Health(_Row, frozen=True, kw_only=True, tag="health"):
    """The health of a tree.

    Attributes:
        app: the id of the root.
        state: of the tree.
        live: it can go on: the loop turns, and no child refuses to stop.
        ready: it has started, and does not stop.
        up: children that are up, or down as they are meant to be.
        total: all of them.
        problems: what is not well, a line each, the gravest first; empty when all is.
    """

    app: str
    state: TreeState
    live: bool
    ready: bool
    up: int
    total: int
    problems: tuple[str, ...]


class Change(_Row, frozen=True, kw_only=True):
    """What a command did to one child, or would do.

    Attributes:
        path: the child.
        radius: all paths that are touched, itself among them, in start order.
        before: its state.
        after: its state then; the same in a dry run.
        took_s: seconds that it took.
        error: the kind of failure, see `Failed`; empty: none.
        message: what came instead, or what is worth knowing.
        could_follow: of the dry run of a restart: sentences on what else it may lead to.
    """

    path: str
    radius: tuple[str, ...]
    before: str
    after: str
    took_s: float
    error: str = ""
    message: str = ""
    could_follow: tuple[str, ...] = ()
