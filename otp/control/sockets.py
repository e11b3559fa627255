"""Where the control sockets are, and who owns them.

    $XDG_RUNTIME_DIR/otp/massive.sock       looking and acting
    $XDG_RUNTIME_DIR/otp/massive.ro.sock    looking only
    $XDG_RUNTIME_DIR/otp/massive.lock       held for as long as the process lives

Without XDG_RUNTIME_DIR the folder is `/run/otp`, and `otp-UID` in the temporary directory where that cannot be made.
The folder is ours alone (0700), the sockets too (0600).

A socket file says nothing about its owner: a killed process leaves one, and a connect that succeeds may meet a process
that is just ending. So the owner is whoever holds the lock, which ends with the process however that ends: sockets
beside a lock that could be taken are stale, and are removed; those beside one that is held are never touched.
"""

import os
import re
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO, Final

from otp.errors import ControlError

__all__ = ("LONGEST_PATH", "Claim", "claim", "folder", "live_sockets", "socket_path")

LONGEST_PATH: Final = 107 if sys.platform == "linux" else 103
"""Bytes that the path of a Unix socket may have."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")


def folder() -> Path:
    """Where the sockets of this user are; it need not exist."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return Path(runtime) / "otp"
    if os.access("/run/otp" if Path("/run/otp").exists() else "/run", os.W_OK):
        return Path("/run/otp")
    return Path(tempfile.gettempdir()) / f"otp-{os.getuid()}"


def socket_path(app: str, place: Path | None = None) -> Path:
    """The path of the socket of the application `app`."""
    return (place or folder()) / f"{_UNSAFE.sub('_', app)}.sock"


class Claim:
    """The right to the sockets of one name; it ends with `release`, or with the process.

    Attributes:
        operate: path of the socket for looking and acting.
        read: path of the one for looking only.
    """

    def __init__(self, operate: Path, lock: IO[str]) -> None:
        self.operate = operate
        self.read = operate.with_suffix(".ro.sock")
        self._lock = lock

    def listen(self) -> tuple[socket.socket, socket.socket]:
        """Both sockets, listening, and for our eyes only from their first moment."""
        return _listener(self.operate), _listener(self.read)

    def release(self) -> None:
        """Remove the sockets, then let go of the name."""
        for path in (self.operate, self.read):
            path.unlink(missing_ok=True)
        self._lock.close()


def claim(app: str, place: Path | None = None) -> Claim:
    """Take the name `app`; if a living process has it, the name with our process id behind it.

    Args:
        app: the id of the root.
        place: the folder; None: see `folder`.

    Raises:
        ControlError: the folder is not ours alone, or the path is too long for a socket.
    """
    place = _private(place or folder())
    for name in (app, f"{app}-{os.getpid()}"):
        path = socket_path(name, place)
        _check_length(path.with_suffix(".ro.sock"))
        lock = _locked(path.with_suffix(".lock"))
        if lock is not None:
            found = Claim(path, lock)
            for stale in (found.operate, found.read):
                stale.unlink(missing_ok=True)
            return found
    raise ControlError(f"{socket_path(app, place)} and the name with our process id are both taken; remove {place}")


def live_sockets(place: Path | None = None) -> Iterator[Path]:
    """The sockets for looking and acting whose process lives, by name."""
    for path in sorted((place or folder()).glob("*.sock")):
        if not path.name.endswith(".ro.sock") and _is_held(path.with_suffix(".lock")):
            yield path


def _private(place: Path) -> Path:
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    seen = place.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        raise ControlError(
            f"the folder of the control sockets has to be ours alone, and {place} belongs to uid {seen.st_uid} with "
            f"mode {stat.S_IMODE(seen.st_mode):04o}; chmod 700 it, or set XDG_RUNTIME_DIR to a private folder"
        )
    return place


def _check_length(path: Path) -> None:
    length = len(os.fsencode(path))
    if length > LONGEST_PATH:
        raise ControlError(
            f"the path of a Unix socket may have {LONGEST_PATH} bytes, and {path} has {length}; "
            "set XDG_RUNTIME_DIR to a short, private folder"
        )


def _locked(path: Path) -> IO[str] | None:
    """The lock, taken; None if somebody holds it."""
    lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "w")
    try:
        flock(lock, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _is_held(path: Path) -> bool:
    try:
        with path.open("r+") as lock:
            flock(lock, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _listener(path: Path) -> socket.socket:
    # Bound under another name and made private before anybody can find it: between bind and chmod it is open to all.
    hidden = path.with_name(f".{path.name}")
    hidden.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | getattr(socket, "SOCK_CLOEXEC", 0))
    listener.bind(str(hidden))
    hidden.chmod(0o600)
    listener.listen(128)
    hidden.rename(path)
    return listener
