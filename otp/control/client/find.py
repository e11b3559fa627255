"""Finding the socket of a running tree, in a folder that is trusted."""

import os
from pathlib import Path

from otp.control.client.errors import Unreachable
from otp.control.wire.sockets import folder, live_sockets, socket_path
from otp.control.wire.trust import check_folder
from otp.errors import ControlError


def find_socket(named: str | None = None) -> Path:
    """The socket to speak to: the one that is named, by path or by application, else `$OTP_SOCKET`, else the only one.

    Raises:
        Unreachable: there is none, there are several and none is named, or their folder is not trusted.
    """
    named = named or os.environ.get("OTP_SOCKET")
    if named and ("/" in named or named.endswith(".sock")):
        return Path(named)
    if named:
        return socket_path(named)
    names = names_running(folder())
    if not names:
        raise Unreachable(
            f"no supervised process has a socket in {folder()}; start one, as with otp run TARGET, "
            "or name its socket with --socket PATH"
        )
    if len(names) > 1:
        raise Unreachable(f"several supervised processes are running: {', '.join(names)}; name one with --socket NAME")
    return folder() / f"{names[0]}.sock"


def names_running(place: Path) -> list[str]:
    """The names of the processes whose sockets are in a folder.

    Raises:
        Unreachable: the folder is not trusted.
    """
    check_place(place)
    return [path.stem for path in live_sockets(place)]


def check_place(place: Path) -> None:
    """Make sure that a folder is trusted.

    Raises:
        Unreachable: it is not.
    """
    try:
        check_folder(place)
    except ControlError as untrusted:
        raise Unreachable(str(untrusted)) from None
