"""What is said over a control socket: frames of bounded length, each one message of a closed set.

    server  Greeting
    client  Request(id, command)     server  Reply(id, answer) or Failed(id, kind, message)
    client  Request(id, Watch())     server  Snapshot, Delta, Delta, … a Snapshot again for a client that was too slow

A frame is its length, four bytes with the highest first, and a message in MessagePack. One request after the other:
the next one is read when the last one has been answered. Nothing in a message names code; a field that is not known,
or of another type, is refused.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from otp.control.rows import Change, Delta, EventRow, Explained, Health, IncidentRow, Snapshot, StackRow, Why

__all__ = (
    "ACTING",
    "HEADER",
    "MAX_MESSAGE",
    "MAX_REQUEST",
    "ON_CHILDREN",
    "PROTOCOL",
    "Acted",
    "Acting",
    "Answer",
    "Command",
    "Drain",
    "Draining",
    "Events",
    "Explain",
    "Failed",
    "Failure",
    "FromServer",
    "GetEvents",
    "GetHealth",
    "GetIncidents",
    "GetSnapshot",
    "GetStack",
    "GetWhy",
    "Greeting",
    "Incidents",
    "InjectFault",
    "OnChildren",
    "Pause",
    "ProtocolError",
    "Reply",
    "Request",
    "Reset",
    "ResolveIncident",
    "Resolved",
    "Restart",
    "Resume",
    "Stacks",
    "Start",
    "Stop",
    "Watch",
    "decode_message",
    "decode_request",
    "encode",
    "length_of",
)

PROTOCOL: Final = 1
"""Version of this protocol. A client and a server of different versions part with a clear message."""

HEADER: Final = 4
"""Bytes of a frame's length."""

MAX_REQUEST: Final = 64 * 1024
"""Bytes of a message to the server."""

MAX_MESSAGE: Final = 128 * 1024 * 1024
"""Bytes of a message to a client: a snapshot of 100 000 children has about a third of that."""


Id = Annotated[str, Meta(min_length=1, max_length=128)]
"""What a client or the process calls a request, an incident."""

Path = Annotated[str, Meta(max_length=1_000)]
"""A path or a pattern."""

Reason = Annotated[str, Meta(max_length=4_000)]
"""Why, for the audit, which keeps less of it."""

Seconds = Annotated[float, Meta(ge=0, le=1e9)]
"""So many, and never for ever: that is None."""


class ProtocolError(Exception):
    """What came is no message of this protocol."""


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


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """One request.

    Attributes:
        id: made by the client, unique. An acting command that comes again under its id is not done again: it gets the
            answer of the first.
        command: what is wanted.
    """

    id: Id
    command: Command


# ------------------------------------------------------------------------------------------------ what the server says


class Greeting(Struct, frozen=True, kw_only=True, tag="greeting"):
    """The first message of a server.

    Attributes:
        protocol: its version of this protocol.
        app: the id of the root.
        pid: of the process.
        version: of otp there.
        role: whether acting commands are taken on this socket.
        faults: whether faults may be injected.
    """

    protocol: int
    app: str
    pid: int
    version: str
    role: Literal["operate", "read"]
    faults: bool


class Events(Struct, frozen=True, tag="events"):
    """Oldest first."""

    events: tuple[EventRow, ...]


class Incidents(Struct, frozen=True, tag="incidents"):
    """Newest first."""

    incidents: tuple[IncidentRow, ...]


class Stacks(Struct, frozen=True, tag="stacks"):
    """In start order."""

    stacks: tuple[StackRow, ...]


class Acted(Struct, frozen=True, kw_only=True, tag="acted"):
    """What an acting command did.

    Attributes:
        op: its id, as in the audit.
        dry_run: nothing was done.
        changes: one for each child that was named, in start order.
        untouched: how many children it leaves alone.
    """

    op: str
    dry_run: bool
    changes: tuple[Change, ...]
    untouched: int


class Resolved(Struct, frozen=True, kw_only=True, tag="resolved"):
    """The incident is over."""

    op: str
    incident: IncidentRow


class Draining(Struct, frozen=True, kw_only=True, tag="draining"):
    """The tree has been told to stop; the connection ends with the process.

    Attributes:
        op: as in the audit.
        dry_run: nothing was done.
        children: what is stopped, in this order.
    """

    op: str
    dry_run: bool
    children: tuple[str, ...]


Answer = Snapshot | Health | Events | Incidents | Explained | Why | Stacks | Acted | Resolved | Draining

Failure = Literal["error", "not_found", "refused", "timed_out", "conflict", "blocked", "gone", "protocol"]
"""Why a request failed.

    error       the child did not do it: its start failed, it refused to stop
    not_found   no such child, incident
    refused     not allowed here: a read-only socket, faults are not enabled, more than one without `all`
    timed_out   it takes longer than the client wanted to wait
    conflict    not possible in the child's state
    blocked     the event loop does not turn
    gone        the tree has ended
    protocol    no message of this protocol
"""


class Reply(Struct, frozen=True, tag="reply"):
    """The answer to a request."""

    id: str
    answer: Answer


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """A request that could not be done.

    Attributes:
        id: of the request; empty if it had none that could be read.
        kind: why.
        message: what was wrong, and what to do next.
    """

    id: str
    kind: Failure
    message: str


FromServer = Greeting | Reply | Failed | Snapshot | Delta

_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(Request)
_messages: "msgspec.msgpack.Decoder[FromServer]" = msgspec.msgpack.Decoder(FromServer)


def encode(message: Request | FromServer) -> bytes:
    """The message as a frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(HEADER) + body


def length_of(header: bytes, limit: int) -> int:
    """The length that a frame's header announces.

    Raises:
        ProtocolError: it is over the limit, or nothing.
    """
    length = int.from_bytes(header)
    if not 0 < length <= limit:
        raise ProtocolError(f"a message has 1 to {limit} bytes, and this one announces {length}")
    return length


def decode_request(body: bytes) -> Request:
    """A client's message.

    Raises:
        ProtocolError: it is none.
    """
    request: Request = _decoded(_requests, body)
    return request


def decode_message(body: bytes) -> FromServer:
    """A server's message.

    Raises:
        ProtocolError: it is none.
    """
    message: FromServer = _decoded(_messages, body)
    return message


def _decoded(decoder: "msgspec.msgpack.Decoder[Any]", body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as wrong:
        raise ProtocolError(f"no message of version {PROTOCOL} of this protocol: {wrong}") from None
