"""The protocol of a control socket: frames of bounded length, each one message of a closed set.

    server  Greeting
    client  Request(id, command)     server  Reply(id, answer) or Failed(id, kind, message)
    client  Request(id, Watch())     server  Snapshot, Delta, Delta, … a Snapshot again for a client that was too slow

A frame is its length, four bytes with the highest first, and a message in MessagePack. One request after the other:
the next one is read when the last one has been answered. Nothing in a message names code; a field that is not known,
or of another type, is refused.
"""

from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from otp.control.wire.commands import Command, Id
from otp.control.wire.rows import Change, Delta, EventRow, Explained, Health, IncidentRow, Snapshot, StackRow, Why

T = TypeVar("T")

PROTOCOL: Final = 1
"""Version of this protocol. A client and a server of different versions part with a clear message."""

HEADER: Final = 4
"""Bytes of a frame's length."""

MAX_REQUEST: Final = 64 * 1024
"""Bytes of a message to the server."""

MAX_MESSAGE: Final = 128 * 1024 * 1024
"""Bytes of a message to a client: a snapshot of 100 000 children has about a third of that."""


class ProtocolError(Exception):
    """The bytes that came are no message of this protocol."""


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """One request.

    Attributes:
        id: made by the client, unique. An acting command that comes again under its id is not done again: it gets the
            answer of the first.
        command: what is wanted.
    """

    id: Id
    command: Command


# ------------------------------------------------------------------------------------------------ messages of the server


class Greeting(Struct, frozen=True, kw_only=True, tag="greeting"):
    """The first message of a server.

    Attributes:
        protocol: version of the protocol that it speaks.
        app: the id of the root.
        pid: of the process.
        version: of otp in that process.
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
    """Events, oldest first."""

    events: tuple[EventRow, ...]


class Incidents(Struct, frozen=True, tag="incidents"):
    """Incidents, newest first."""

    incidents: tuple[IncidentRow, ...]


class Stacks(Struct, frozen=True, tag="stacks"):
    """Where workers are, in start order."""

    stacks: tuple[StackRow, ...]


class Acted(Struct, frozen=True, kw_only=True, tag="acted"):
    """What an acting command did.

    Attributes:
        op: id of the request, as in the audit.
        dry_run: nothing was done.
        changes: one for each child that the command named, in start order.
        untouched: how many other children there are.
    """

    op: str
    dry_run: bool
    changes: tuple[Change, ...]
    untouched: int


class Resolved(Struct, frozen=True, kw_only=True, tag="resolved"):
    """The incident that was resolved."""

    op: str
    incident: IncidentRow


class Draining(Struct, frozen=True, kw_only=True, tag="draining"):
    """The tree has been told to stop; the connection ends with the process.

    Attributes:
        op: id of the request, as in the audit.
        dry_run: nothing was done.
        children: their paths, in the order in which they are stopped.
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
    timed_out   it takes longer than the client waits
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
    """The answer to a request that is not carried out.

    Attributes:
        id: of the request; empty if it had none that could be read.
        kind: why.
        message: what is wrong, and what to do next.
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
        ProtocolError: the length is 0, or over the limit.
    """
    length = int.from_bytes(header)
    if not 0 < length <= limit:
        raise ProtocolError(f"a message has 1 to {limit} bytes, and this one announces {length}")
    return length


def decode_request(body: bytes) -> Request:
    """The request in the body of a client's frame.

    Raises:
        ProtocolError: the body is no request.
    """
    return _decoded(_requests, body)


def decode_message(body: bytes) -> FromServer:
    """The message in the body of a server's frame.

    Raises:
        ProtocolError: the body is no message of a server.
    """
    return _decoded(_messages, body)


def _decoded(decoder: "msgspec.msgpack.Decoder[T]", body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as wrong:
        raise ProtocolError(f"no message of version {PROTOCOL} of this protocol: {wrong}") from None
