"""A private, short-lived folder for sockets: short enough for their paths, and gone with us or at the next start."""

import os
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Final

LONGEST_SOCKET: Final = 107 if sys.platform == "linux" else 103
"""Bytes that the path of a Unix socket may have."""

_LOCK: Final = "owner.lock"


@contextmanager
def runtime_folder(prefix: str, longest_name: int) -> Generator[Path]:
    """Make a folder that only we can enter, under `$XDG_RUNTIME_DIR` or the temporary directory, for the block.

    What a killed owner has left under the same prefix is removed first, and servers that outlived it are ended.

    Args:
        prefix: how the folder's name begins.
        longest_name: bytes of the longest socket name that will be put into it.

    Raises:
        RuntimeError: no place is short enough for a socket.
    """
    place = _place(len(os.fsencode(prefix)) + 8 + 1 + longest_name)
    _sweep(place, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    try:
        with _owned(folder):
            yield folder
    finally:
        shutil.rmtree(folder)


def _place(needed: int) -> Path:
    asked = os.environ.get("XDG_RUNTIME_DIR")
    places = [Path(place) for place in (asked, tempfile.gettempdir()) if place]
    for place in places:
        if len(os.fsencode(place)) + 1 + needed <= LONGEST_SOCKET and os.access(place, os.W_OK | os.X_OK):
            return place.absolute()
    raise RuntimeError(
        f"a Unix socket's path may have {LONGEST_SOCKET} bytes, and none of {', '.join(map(str, places))} "
        f"can be written and leaves room for {needed}; set XDG_RUNTIME_DIR to a short, private directory"
    )


@contextmanager
def _owned(folder: Path) -> Generator[None]:
    # The lock ends with the process, however that ends: a folder whose lock is free has no owner any more.
    with (folder / _LOCK).open("w") as lock:
        flock(lock, LOCK_EX | LOCK_NB)
        yield


def _sweep(place: Path, prefix: str) -> None:
    for folder in place.glob(f"{prefix}*"):
        seen = folder.lstat()
        if stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.getuid():
            _remove_ownerless(folder)


def _remove_ownerless(folder: Path) -> None:
    # A folder without a lock file is being made by somebody at this moment.
    with suppress(FileNotFoundError, BlockingIOError), (folder / _LOCK).open("r+") as lock:
        flock(lock, LOCK_EX | LOCK_NB)
        for left in folder.glob("*.sock"):
            _end_server(left)
        shutil.rmtree(folder, ignore_errors=True)


def _end_server(path: Path) -> None:
    # Where the kernel does not end a server with its parent, it is still listening.
    with suppress(OSError), socket.socket(socket.AF_UNIX) as left:
        left.settimeout(1.0)
        left.connect(str(path))
        left.sendall(b"SHUTDOWN NOSAVE\r\n")
        left.recv(1)
