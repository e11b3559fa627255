"""The process at the other end of a control socket, as the kernel knows it."""

import socket
import struct

from msgspec import Struct

from otp.control.wire.trust import is_trusted, user_name


class Peer(Struct, frozen=True):
    """A process at the other end.

    Attributes:
        uid: of its user; -1 where the kernel does not tell.
        pid: its process id; 0 where the kernel does not tell.
        user: the name of its user.
    """

    uid: int
    pid: int
    user: str = "somebody"

    @property
    def is_trusted(self) -> bool:
        """Whether it is one of our own user's, or root's. Where the kernel does not tell, the socket's mode has."""
        return is_trusted(self.uid)

    def __str__(self) -> str:
        return f"{self.user} (pid {self.pid})" if self.uid >= 0 else self.user


def peer_of(connection: socket.socket) -> Peer:
    """The process at the other end: it opened this connection, or listened for it.

    Not for the tree's event loop: the name of a user may have to be looked up, and that may block.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return Peer(-1, 0)
    pid, uid, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Peer(uid, pid, user_name(uid))
