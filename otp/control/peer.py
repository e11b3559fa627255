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
    """

    uid: int
    pid: int

    @property
    def may_speak(self) -> bool:
        """Whether it is one of our own user's, or root's. Where the kernel does not tell, the socket's mode has."""
        return self.uid in (-1, 0, os.getuid())

    def __str__(self) -> str:
        if self.uid < 0:
            return "somebody"
        try:
            name = pwd.getpwuid(self.uid).pw_name
        except KeyError:
            name = f"uid {self.uid}"
        return f"{name} (pid {self.pid})"


def peer_of(connection: socket.socket) -> Peer:
    """The process that opened this connection."""
    if not hasattr(socket, "SO_PEERCRED"):
        return Peer(-1, 0)
    pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Peer(uid, pid)
