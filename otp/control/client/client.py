"""The other end of a control socket: for commands, and for whatever else wants to look at a running tree.

    with connect(find_socket("massive")) as client:
        acted = client.ask(Restart(path="massive/workers/ws_worker", reason="new key"))

It blocks, and knows no event loop: a command line needs none, and a front end with one calls it from a thread.

The other end may be anybody's: nothing is said to it, and nothing of it is believed, before the folder and the process
are known to be our own user's or root's. A message has a longest length, and one time within which all of it has to come.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload
from uuid import uuid4

from msgspec.structs import replace

from otp.control.wire.peer import peer_of
from otp.control.wire.protocol import (
    HEADER,
    MAX_MESSAGE,
    MAX_REQUEST,
    PROTOCOL,
    Acted,
    Command,
    Drain,
    Draining,
    Events,
    Explain,
    Failed,
    Failure,
    FromServer,
    GetEvents,
    GetHealth,
    GetIncidents,
    GetSnapshot,
    GetStack,
    GetWhy,
    Greeting,
    Incidents,
    InjectFault,
    Pause,
    ProtocolError,
    Reply,
    Request,
    Reset,
    Resolved,
    ResolveIncident,
    Restart,
    Resume,
    Stacks,
    Start,
    Stop,
    Watch,
    decode_message,
    encode,
    length_of,
)
from otp.control.wire.rows import Delta, Explained, Health, Snapshot, Why
from otp.control.wire.sockets import folder, live_sockets, socket_path
from otp.control.wire.trust import check_folder
from otp.errors import ControlError
from otp.text.printable import printable

__all__ = ("PATIENCE", "Client", "CommandFailed", "Unreachable", "connect", "find_socket")

PATIENCE = 30.0
"""Seconds that a command may take, unless somebody says otherwise."""

PIECE = 256 * 1024
"""Bytes that are read at a time."""


class Unreachable(ControlError):
    """Nobody answers there: no process, no right to speak to it, or it has ended meanwhile."""


class CommandFailed(ControlError):
    """The server's answer is no.

    Attributes:
        kind: why, see `Failure`.
    """

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(message)
        self.kind: Failure = kind


def find_socket(named: str | None = None) -> Path:
    """The socket to speak to: the one that is named, by path or by application, else `$OTP_SOCKET`, else the only one.

    Raises:
        Unreachable: there is none, or there are several and none is named.
    """
    named = named or os.environ.get("OTP_SOCKET")
    if named and ("/" in named or named.endswith(".sock")):
        return Path(named)
    if named:
        return socket_path(named)
    found = list(_live_sockets(folder()))
    if not found:
        raise Unreachable(
            f"no supervised process has a socket in {folder()}; start one, as with otp run TARGET, "
            "or name its socket with --socket PATH"
        )
    if len(found) > 1:
        names = ", ".join(path.stem for path in found)
        raise Unreachable(f"several supervised processes are running: {names}; name one with --socket NAME")
    return found[0]


def connect(path: Path, *, timeout: float = PATIENCE) -> "Client":
    """Connect to the socket at `path`, and read the greeting.

    Args:
        path: of the socket.
        timeout: seconds that the server has for each answer, from its question to its last byte.

    Raises:
        Unreachable: there is nobody, it does not speak to us, or we do not trust it.
    """
    _check(path.parent)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        _connect(connection, path, time.monotonic() + timeout)
    except OSError as error:
        connection.close()
        raise Unreachable(_no_connection(path, error)) from None
    peer = peer_of(connection)
    if not peer.is_trusted:
        connection.close()
        raise Unreachable(
            f"{path} is not trusted: behind it is a process of {peer}, and only one of our own user or of root is "
            f"spoken to; run this as {peer.user}, as with sudo -u"
        )
    return Client(path, connection, timeout)


def _check(place: Path) -> None:
    try:
        check_folder(place)
    except ControlError as untrusted:
        raise Unreachable(str(untrusted)) from None


def _live_sockets(place: Path) -> Iterator[Path]:
    _check(place)
    return live_sockets(place)


def _connect(connection: socket.socket, path: Path, deadline: float) -> None:
    """Where very many connect at once, some have to try again."""
    while True:
        try:
            connection.connect(str(path))
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _no_connection(path: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"{path} is not ours to open; run this as the user of the process"
    others = [found.stem for found in _live_sockets(path.parent)]
    instead = f"running there: {', '.join(others)}" if others else "nothing supervised runs there"
    if isinstance(error, ConnectionRefusedError):
        return f"the process behind {path} has ended without clearing up; {instead}"
    if isinstance(error, FileNotFoundError):
        return f"there is no socket {path}; {instead}"
    return f"cannot connect to {path}: {error.strerror or error}; {instead}"


class Client:
    """One connection; a context manager that closes it.

    Attributes:
        greeting: who is at the other end.
    """

    def __init__(self, path: Path, connection: socket.socket, timeout: float) -> None:
        self._path = path
        self._socket = connection
        self._timeout = timeout
        self._received = bytearray()
        try:
            self.greeting = self._greeted()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; what was asked is done all the same."""
        self._socket.close()

    @overload
    def ask(self, command: GetSnapshot, *, id: str = ...) -> Snapshot: ...
    @overload
    def ask(self, command: GetHealth, *, id: str = ...) -> Health: ...
    @overload
    def ask(self, command: GetEvents, *, id: str = ...) -> Events: ...
    @overload
    def ask(self, command: GetIncidents, *, id: str = ...) -> Incidents: ...
    @overload
    def ask(self, command: Explain, *, id: str = ...) -> Explained: ...
    @overload
    def ask(self, command: GetWhy, *, id: str = ...) -> Why: ...
    @overload
    def ask(self, command: GetStack, *, id: str = ...) -> Stacks: ...
    @overload
    def ask(self, command: ResolveIncident, *, id: str = ...) -> Resolved: ...
    @overload
    def ask(self, command: Drain, *, id: str = ...) -> Draining: ...
    @overload
    def ask(
        self, command: Restart | Stop | Start | Reset | Pause | Resume | InjectFault, *, id: str = ...
    ) -> Acted: ...
    def ask(self, command: Command, *, id: str = "") -> Any:
        """Ask, and wait for the answer.

        Args:
            command: what is wanted.
            id: of an earlier request, to ask for its answer again: an acting command is not done twice.

        Raises:
            CommandFailed: the answer is no, or does not come in time.
            Unreachable: the process has ended.
        """
        request = Request(id or uuid4().hex, command)
        deadline = time.monotonic() + self._timeout
        try:
            self._send(request, deadline)
            message = self._receive(deadline)
        except TimeoutError:
            self.close()  # the late answer would be taken for that to the next question
            raise CommandFailed(
                "timed_out",
                f"no answer within {self._timeout:g} s; it may still be done: look again, or wait longer with --timeout",
            ) from None
        match message:
            case Reply(id=request.id, answer=answer):
                return answer
            case Failed(kind=kind, message=text):
                raise CommandFailed(kind, text)
            case _:
                raise self._unasked(message)

    def watch(self) -> Iterator[Snapshot | Delta | None]:
        """A snapshot, and what changes from then on, until the process ends; nothing else can be asked after that.

        None comes when nothing has for the time that the connection waits, so that whoever watches can do something else.

        Raises:
            CommandFailed: the answer is no.
            Unreachable: it says what was not asked.
        """
        with suppress(TimeoutError):  # then it does not answer either, which whoever watches is told
            self._send(Request(uuid4().hex, Watch()), time.monotonic() + self._timeout)
        while True:
            try:
                message = self._receive(time.monotonic() + self._timeout)
            except TimeoutError:
                yield None
                continue
            except Unreachable:
                return
            match message:
                case Snapshot() | Delta():
                    yield message
                case Failed(kind=kind, message=text):
                    raise CommandFailed(kind, text)
                case _:
                    raise self._unasked(message)

    def until_closed(self, timeout: float) -> bool:
        """Wait until the other end is gone; whether it is, after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        try:
            while (left := deadline - time.monotonic()) > 0:
                self._socket.settimeout(left)
                if not self._socket.recv(4096):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True
        return False

    def patience(self, timeout: float) -> None:
        """Wait `timeout` seconds for each message from now on."""
        self._timeout = timeout

    def _greeted(self) -> Greeting:
        try:
            greeting = self._receive(time.monotonic() + self._timeout, MAX_REQUEST)
        except TimeoutError:
            raise Unreachable(f"{self._path} is there and says nothing within {self._timeout:g} s") from None
        if isinstance(greeting, Failed):
            raise Unreachable(f"{self._path}: {greeting.message}")
        if not isinstance(greeting, Greeting):
            raise Unreachable(f"{self._path} is no control socket of otp: it does not greet")
        greeting = replace(greeting, app=printable(greeting.app), version=printable(greeting.version))
        if greeting.protocol != PROTOCOL:
            raise Unreachable(
                f"{greeting.app} runs otp {greeting.version}, whose control protocol has version {greeting.protocol}, and "
                f"this otp speaks version {PROTOCOL}; use the otp that the process was started with"
            )
        return greeting

    def _send(self, request: Request, deadline: float) -> None:
        try:
            self._until(deadline)
            self._socket.sendall(encode(request))
        except TimeoutError:
            raise
        except OSError as error:
            raise self._lost(error) from None

    def _receive(self, deadline: float, limit: int = MAX_MESSAGE) -> FromServer:
        """The next message, if all of it has come by then; what has come of it is kept for the next time."""
        try:
            end = HEADER + length_of(bytes(self._at_least(HEADER, deadline)[:HEADER]), limit)
            body = bytes(self._at_least(end, deadline)[HEADER:end])
            del self._received[:end]
            return decode_message(body)
        except ProtocolError as wrong:
            raise Unreachable(f"{self._path} is no control socket of this otp: {wrong}") from None
        except TimeoutError:
            raise
        except OSError as error:
            raise self._lost(error) from None

    def _at_least(self, length: int, deadline: float) -> bytearray:
        """What has come, once it is so long."""
        while len(self._received) < length:
            self._until(deadline)
            data = self._socket.recv(PIECE)
            if not data:
                raise self._lost(None)
            self._received += data
        return self._received

    def _until(self, deadline: float) -> None:
        """The next call on the socket has until then: a server that says a byte now and then must not begin it anew."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _unasked(self, message: FromServer) -> Unreachable:
        return Unreachable(f"{self._path} answers what was not asked: {type(message).__name__}")

    def _lost(self, error: OSError | None) -> Unreachable:
        return Unreachable(f"the process behind {self._path} has ended{f' ({error})' if error else ''}")
