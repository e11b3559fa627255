"""`otp top`: a running tree on the whole screen."""

import sys

import click

from otp.cli.connection import Connection, with_connection
from otp.cli.exit_codes import Ended, ExitCode
from otp.control.client.find import find_socket
from otp.extras import hint


@click.command
@with_connection
def top(*, connection: Connection) -> None:
    """Watch a running tree on the whole screen, and act on it by keys; ? tells them.

    When the process ends, the screen says so, and goes on with the next one of that name.
    """
    try:
        from otp.tui.app import Top  # noqa: PLC0415 # textual is an extra, and slow to import
    except ModuleNotFoundError as error:
        install = f"; {hint(error)}" if hint(error) else ""
        raise Ended(f"otp top is not available: {error}{install}", ExitCode.USAGE) from error
    with connection.open():  # a process that is not there now is more likely a mistake than still to come
        path = find_socket(connection.socket)
    if not _on_a_terminal():
        raise Ended("otp top needs a terminal to draw on; otp tree -w is for pipes and files", ExitCode.USAGE)
    Top(path, patience=connection.timeout).run()


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
