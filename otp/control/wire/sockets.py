"""Where the control sockets are, and who owns them.

    $XDG_RUNTIME_DIR/otp/massive.sock       looking and acting
    $XDG_RUNTIME_DIR/otp/massive.ro.sock    looking only
    $XDG_RUNTIME_DIR/otp/massive.lock       held for as long as the process lives

Without XDG_RUNTIME_DIR the folder is `/run/otp`, and `otp-UID` in the temporary directory where that cannot be made.
The folder is ours alone (0700), the sockets too (0600).

A socket file says nothing about its owner: a killed process leaves one, and a connect that succeeds may meet a process
that is just ending. So the owner is the process that holds the lock, which ends with it however it ends: sockets
beside a lock that could be taken are stale, and are removed; those beside one that is held are never touched.
"""

import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import IO, Final
from weakref import WeakSet

from otp.control.wire.trust import check_folder, check_server_folder
from otp.errors import ControlError

LOOKS: Final = 5
"""Attempts to take a name before it counts as taken: a process that lists the sockets holds the lock for a moment."""

LONGEST_PATH: Final = 107 if sys.platform == "linux" else 103
"""Bytes that the path of a Unix socket may have."""

BACKLOG: Final = 1_024
"""Connections that may wait to be accepted, as far as the system lets them."""

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
    name = _UNSAFE.sub("_", app)
    if name.startswith("."):  # where a socket is while it is being made
        name = f"_{name[1:]}"
    if name.endswith(".ro"):  # else it had the second socket of another application
        name = f"{name.removesuffix('.ro')}_ro"
    return (place or folder()) / f"{name}.sock"


_claims: "WeakSet[Claim]" = WeakSet()


class Claim:
    """The right to the sockets of one name; it ends with `release`, or with the process.

    Attributes:
        operate: path of the socket for looking and acting.
        read: path of the one for looking only.
    """

    def __init__(self, operate: Path, lock: IO[str], *, made: bool) -> None:
        self.operate = operate
        self.read = operate.with_suffix(".ro.sock")
        self._lock = lock
        self._made = made
        self._owner = os.getpid()
        self._releasing = Lock()
        _claims.add(self)

    def listen(self) -> tuple[socket.socket, socket.socket]:
        """Both sockets, listening, and for our eyes only from their first moment.

        Raises:
            OSError: they cannot be had.
        """
        operate = _listener(self.operate)
        try:
            return operate, _listener(self.read)
        except BaseException:
            operate.close()
            raise

    def release(self) -> None:
        """Remove the sockets, and the folder if we have made it and it is empty; then release the name.

        Only once, since another process may have the name after that; and not in a forked child, whose it never was.
        """
        if os.getpid() != self._owner or not self._releasing.acquire(blocking=False):
            return
        _remove(self.operate)
        self.operate.with_suffix(".lock").unlink(missing_ok=True)
        if self._made:
            with suppress(OSError):
                self.operate.parent.rmdir()
        self._lock.close()


def claim(app: str, place: Path | None = None) -> Claim:
    """Take the name `app`; if a living process has it, the name with our process id behind it.

    Args:
        app: the id of the root.
        place: the folder; None: see `folder`.

    Raises:
        ControlError: the folder is not ours alone, the path is too long for a socket, or the system has no file locks.
    """
    _check_system()
    place = place or folder()
    made = not place.exists()
    for name in (app, f"{app}-{os.getpid()}"):
        path = socket_path(name, place)
        _check_length(_hidden(path.with_suffix(".ro.sock")))
        for _ in range(LOOKS):
            lock = _taken(path.with_suffix(".lock"))
            if lock is not None:
                not_for_children(lock)
                _clear(path)
                return Claim(path, lock, made=made)
            time.sleep(0.01)
    raise ControlError(f"{socket_path(app, place)} and the name with our process id are both taken; remove {place}")


def release_all() -> None:
    """Release all that is claimed, from any thread, because the process ends now."""
    for one in tuple(_claims):
        with suppress(OSError):
            one.release()


def live_sockets(place: Path | None = None) -> Iterator[Path]:
    """The sockets for looking and acting whose process lives, by name.

    Raises:
        ControlError: the folder is not trusted, or the system has no file locks.
    """
    _check_system()
    place = place or folder()
    check_folder(place)
    for path in sorted(place.glob("*.sock")):
        if not path.name.endswith(".ro.sock") and _is_held(path.with_suffix(".lock")):
            yield path


def _check_system() -> None:
    """Refuse a system without Unix's file locks, where a tree runs all the same: so nothing imports fcntl before this."""
    try:
        import_module("fcntl")  # Windows has none, and imports otp as well
    except ModuleNotFoundError:
        raise ControlError("control sockets need fcntl, which this system does not have; write control=False") from None


def _taken(path: Path) -> IO[str] | None:
    """The lock, taken; None if another process holds it, or has just removed the folder as the last one in it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_server_folder(path.parent)
    with suppress(FileNotFoundError):
        return _locked(path)
    return None


def _check_length(path: Path) -> None:
    length = len(os.fsencode(path))
    if length > LONGEST_PATH:
        raise ControlError(
            f"the path of a Unix socket may have {LONGEST_PATH} bytes, and {path} has {length}; "
            "set XDG_RUNTIME_DIR to a short, private folder"
        )


def _locked(path: Path) -> IO[str] | None:
    """The lock, taken; None if another process holds it.

    1. We open the file. 2. Its owner, who has ended, is cleared away with it by another process. 3. We take the lock of
    a file that is there no more, while a third process makes the file anew and takes its lock. So look whether it is
    still the same, and begin again if it is not.
    """
    while True:
        lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "w")
        try:
            _lock(lock)
            if _is_at(lock, path):
                return lock
        except BlockingIOError:
            lock.close()
            return None
        lock.close()


def _lock(file: IO[str], *, shared: bool = False) -> None:
    """Lock the file; raises BlockingIOError if another process holds a lock that excludes this one."""
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock  # noqa: PLC0415 # see _check_system

    flock(file, (LOCK_SH if shared else LOCK_EX) | LOCK_NB)


def _is_at(lock: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    """Both sockets."""
    for one in (path, path.with_suffix(".ro.sock")):
        one.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    """The stale sockets of our name, and those that processes of this name had with their process ids behind it."""
    _remove(path)
    for other in path.parent.glob(f"{path.stem}-*.lock"):
        if other == path.with_suffix(".lock") or not other.stem.removeprefix(f"{path.stem}-").isdigit():
            continue
        lock = _locked(other)
        if lock is not None:
            _remove(other.with_suffix(".sock"))
            other.unlink(missing_ok=True)
            lock.close()


def _is_held(path: Path) -> bool:
    try:
        with path.open("r+") as lock:
            _lock(lock, shared=True)  # so that two who list them do not take each other for the owner
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _listener(path: Path) -> socket.socket:
    # Bound under a hidden name and made private before it can be found: between bind and chmod it is open to all.
    hidden = _hidden(path)
    hidden.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | getattr(socket, "SOCK_CLOEXEC", 0))
    try:
        listener.bind(str(hidden))
        hidden.chmod(0o600)
        listener.listen(BACKLOG)
        hidden.rename(path)
    except BaseException:
        listener.close()
        hidden.unlink(missing_ok=True)
        raise
    not_for_children(listener)
    return listener


def _hidden(path: Path) -> Path:
    return path.with_name(f".{path.name}")


# ------------------------------------------------------------------------------------------------ fork

_ours: "WeakSet[IO[str] | socket.socket]" = WeakSet()


def not_for_children(file: IO[str] | socket.socket) -> None:
    """Close a file in each process that this one forks, as multiprocessing does: no one serves it there.

    A forked child that held the lock would keep our name after our end, and one that held a connection would keep its
    client waiting.
    """
    _ours.add(file)


def _close_ours() -> None:
    for file in tuple(_ours):
        file.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_ours)
