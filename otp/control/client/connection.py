"""One connection to a control socket: who is at the other end, and its frames. It blocks, and knows no event loop.

The other end may be anybody's: nothing is sent to it, and nothing of it is believed, before the folder and the process
are known to be our own user's or root's. A message has a longest length, and one time within which all of it has to come.
"""

import socket
import time
from pathlib import Path

from msgspec.structs import replace

from otp.control.client.errors import Unreachable
from otp.control.client.find import check_place, names_running
from otp.control.wire import protocol
from otp.control.wire.peer import peer_of
from otp.control.wire.protocol import HEADER, PROTOCOL, ProtocolError
from otp.text.printable import printable

PIECE = 256 * 1024
"""Bytes that are read at a time."""


def open_connection(path: Path, timeout: float) -> "Connection":
    """Connect to the socket at `path`, and read the greeting, each within `timeout` seconds.

    Raises:
        Unreachable: no process listens, it does not greet as it should, or it is not trusted.
    """
    check_place(path.parent)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.settimeout(timeout)
        _connect(opened, path, time.monotonic() + timeout)
        _check_peer(opened, path)
        return Connection(path, opened, timeout)
    except OSError as error:
        opened.close()
        raise Unreachable(_no_connection(path, error)) from None
    except BaseException:
        opened.close()
        raise


def _connect(opened: socket.socket, path: Path, deadline: float) -> None:
    """Connect; where very many do so at once, some have to try again."""
    while True:
        try:
            opened.connect(str(path))
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _check_peer(opened: socket.socket, path: Path) -> None:
    peer = peer_of(opened)
    if not peer.is_trusted:
        raise Unreachable(
            f"{path} is not trusted: behind it is a process of {peer}, and only one of our own user or of root is "
            f"spoken to; run this as {peer.user}, as with sudo -u"
        )


def _no_connection(path: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"{path} is not ours to open; run this as the user of the process"
    others = names_running(path.parent)
    instead = f"running there: {', '.join(others)}" if others else "nothing supervised runs there"
    if isinstance(error, ConnectionRefusedError):
        return f"the process behind {path} has ended without clearing up; {instead}"
    if isinstance(error, FileNotFoundError):
        return f"there is no socket {path}; {instead}"
    return f"cannot connect to {path}: {error.strerror or error}; {instead}"


class Connection:
    """Sends requests and receives messages, each by a deadline of the monotonic clock.

    Args:
        path: of the socket.
        opened: the socket, connected; it is the connection's from now on.
        timeout: seconds in which the greeting has to come.

    Attributes:
        path: as given.
        greeting: of the process at the other end.
    """

    def __init__(self, path: Path, opened: socket.socket, timeout: float) -> None:
        self.path = path
        self._socket = opened
        self._received = bytearray()
        self.greeting = self._greeted(timeout)

    def close(self) -> None:
        """End the connection; what has been sent is done all the same."""
        self._socket.close()

    def send(self, request: protocol.Request, deadline: float) -> None:
        """Send a request.

        Raises:
            TimeoutError: the deadline has passed.
            Unreachable: the process has ended.
        """
        try:
            self._until(deadline)
            self._socket.sendall(protocol.encode(request))
        except TimeoutError:
            raise
        except OSError as error:
            raise self._lost(error) from None

    def receive(self, deadline: float, limit: int = protocol.MAX_MESSAGE) -> protocol.FromServer:
        """The next message, of at most `limit` bytes; what has come of it by the deadline is kept for the next call.

        Raises:
            TimeoutError: the deadline has passed.
            Unreachable: the process has ended, or sends no message of this protocol.
        """
        try:
            end = HEADER + protocol.length_of(bytes(self._at_least(HEADER, deadline)[:HEADER]), limit)
            body = bytes(self._at_least(end, deadline)[HEADER:end])
            del self._received[:end]
            return protocol.decode_message(body)
        except ProtocolError as wrong:
            raise Unreachable(f"{self.path} is no control socket of this otp: {wrong}") from None
        except TimeoutError:
            raise
        except OSError as error:
            raise self._lost(error) from None

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

    def _greeted(self, timeout: float) -> protocol.Greeting:
        try:
            greeting = self.receive(time.monotonic() + timeout, protocol.MAX_REQUEST)
        except TimeoutError:
            raise Unreachable(f"{self.path} is there and says nothing within {timeout:g} s") from None
        if isinstance(greeting, protocol.Failed):
            raise Unreachable(f"{self.path}: {greeting.message}")
        if not isinstance(greeting, protocol.Greeting):
            raise Unreachable(f"{self.path} is no control socket of otp: it does not greet")
        greeting = replace(greeting, app=printable(greeting.app), version=printable(greeting.version))
        if greeting.protocol != PROTOCOL:
            raise Unreachable(
                f"{greeting.app} runs otp {greeting.version}, whose control protocol has version {greeting.protocol}, and "
                f"this otp speaks version {PROTOCOL}; use the otp that the process was started with"
            )
        return greeting

    def _at_least(self, length: int, deadline: float) -> bytearray:
        """All that has been received, once it is so long."""
        while len(self._received) < length:
            self._until(deadline)
            data = self._socket.recv(PIECE)
            if not data:
                raise self._lost(None)
            self._received += data
        return self._received

    def _until(self, deadline: float) -> None:
        """Give the next call on the socket until the deadline: a byte now and then must not begin it anew."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _lost(self, error: OSError | None) -> Unreachable:
        return Unreachable(f"the process behind {self.path} has ended{f' ({error})' if error else ''}")
