"""`otp top`: a running tree on the whole screen."""

import click

from otp.cli.target import Failure
from otp.control.client import Unreachable, connect, find_socket
from otp.extras import hint

__all__ = ("top",)


class Nobody(Failure):
    """There is no process to look at."""

    exit_code = 6


@click.command
@click.option("-S", "--socket", metavar="PATH|APP", help="Which process; without it: $OTP_SOCKET, or the only one.")
def top(*, socket: str | None) -> None:
    """Watch a running tree, and act on it with keys; ? tells them.

    When the process ends, the screen says so, and goes on with the next one of that name.
    """
    try:
        from otp.tui.app import Top  # noqa: PLC0415 # textual is an extra, and slow to import
    except ModuleNotFoundError as error:
        raise Failure(f"otp top is not available: {error}{f'; {hint(error)}' if hint(error) else ''}") from error
    try:
        path = find_socket(socket)
        connect(path, timeout=5.0).close()
    except Unreachable as error:
        raise Nobody(str(error)) from error
    Top(path).run()
