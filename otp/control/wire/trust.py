"""Trust in the other end of a control socket, and in its folder: only our own user and root have it.

A server lets no other user in. A client sends nothing to a process of another user, and believes nothing of it: a folder
that others may write to, or their process listening in ours, could be made to look like the tree that an operator means.
"""

import os
import stat
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from otp.errors import ControlError


def is_trusted(uid: int) -> bool:
    """Whether this uid is our own or root's. It is -1 where the kernel does not say; then the mode of the folder has decided."""
    return uid in (-1, 0, os.getuid())


@lru_cache(maxsize=64)
def user_name(uid: int) -> str:
    """The name of a user. Not for the tree's event loop: it may have to be looked up over the network."""
    try:
        import pwd  # noqa: PLC0415 # Windows has none, and imports otp as well

        return pwd.getpwuid(uid).pw_name
    except (ModuleNotFoundError, KeyError):
        return f"uid {uid}"


def check_folder(place: Path) -> None:
    """Make sure that a client may believe what is in a folder; one that does not exist holds nothing.

    Raises:
        ControlError: the folder is not trusted.
    """
    try:
        seen = place.lstat()
    except OSError:
        return
    if is_trusted(seen.st_uid) and _is_private(seen, (seen.st_uid,)):
        return
    instead = "chmod 700 it, or name another with XDG_RUNTIME_DIR or --socket PATH"
    if not is_trusted(seen.st_uid):
        instead = f"run this as {user_name(seen.st_uid)}, as with sudo -u"
    raise ControlError(
        f"nothing in {place} is trusted: it {_described(seen)}, and has to be a folder of our own or root's that nobody "
        f"else can enter; {instead}"
    )


def check_server_folder(place: Path) -> None:
    """Make sure that sockets may be made in a folder.

    Raises:
        ControlError: the folder is not ours alone.
    """
    seen = place.lstat()
    if not _is_private(seen, (os.getuid(),)):
        raise ControlError(
            f"the folder of the control sockets has to be ours alone, and {place} {_described(seen)}; "
            "chmod 700 it, or set XDG_RUNTIME_DIR to a private folder"
        )


def _is_private(seen: os.stat_result, owners: Collection[int]) -> bool:
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid in owners and not stat.S_IMODE(seen.st_mode) & 0o077


def _described(seen: os.stat_result) -> str:
    what = "" if stat.S_ISDIR(seen.st_mode) else "is no folder, "
    return f"{what}belongs to uid {seen.st_uid} with mode {stat.S_IMODE(seen.st_mode):04o}"
