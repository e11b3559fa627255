"""Who is at the other end of a control socket, as the kernel says."""

import os
import pwd
import socket
import struct

from msgspec import Struct

__all__ = ("Peer", "peer_of")


class Peer(Struct, frozen=True):
    """A process that speaks to us.

    Attributes:
        uid: of its user; -1 where the kernel does not tell.
        pid: its process id; 0 where the kernel does not tell.
        user: the name of its user.
    """

    uid: int
    pid: int
    user: str = "somebody"

    @property
    def may_speak(self) -> bool:
        """Whether it is one of our own user's, or root's. Where the kernel does not tell, the socket's mode has."""
        return self.uid in (-1, 0, os.getuid())

    def __str__(self) -> str:
        return f"{self.user} (pid {self.pid})" if self.uid >= 0 else self.user


def peer_of(connection: socket.socket) -> Peer:
    """The process that opened this connection. Not for the tree's event loop: a name may have to be asked for."""
    if not hasattr(socket, "SO_PEERCRED"):
        return Peer(-1, 0)
    pid, uid, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Peer(uid, pid, _name_of(uid))


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
