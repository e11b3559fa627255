"""The options that every command on a running tree has, and the connection that they lead to."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

import click

from otp.cli.completion import complete_path, complete_socket
from otp.cli.exit_codes import CODES, Ended, ExitCode
from otp.cli.output import with_output
from otp.cli.parameters import duration_option
from otp.control.client.client import PATIENCE, Client, connect
from otp.control.client.errors import CommandFailed
from otp.control.client.find import find_socket
from otp.control.wire.commands import GetSnapshot
from otp.control.wire.targets import NoSuchChild, TooMany, chosen
from otp.errors import ControlError, PatternError
from otp.text.printable import printable

Command = TypeVar("Command", bound=Callable[..., None])

path_argument = click.argument("path", shell_complete=complete_path)
optional_path = click.argument("path", default="", shell_complete=complete_path)

_CODES = {NoSuchChild: ExitCode.NO_CHILD, TooMany: ExitCode.REFUSED, PatternError: ExitCode.USAGE}


class Connection(NamedTuple):
    """The process to ask.

    Attributes:
        socket: a path, or the name of an application; None: the only one there is.
        timeout: seconds that an answer may take.
    """

    socket: str | None
    timeout: float

    @contextmanager
    def open(self) -> Generator[Client]:
        """Connect for a block; what fails in it ends the command with a message and the exit code for it."""
        try:
            with connect(find_socket(self.socket), timeout=self.timeout) as client:
                yield client
        except CommandFailed as no:
            raise Ended(printable(str(no)), CODES[no.kind]) from None
        except (ControlError, PatternError) as error:
            code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), ExitCode.UNREACHABLE)
            raise Ended(printable(str(error)), code) from None


def check_known(client: Client, path: str) -> None:
    """Refuse a path or pattern that names no child; it is asked where there is no result.

    Raises:
        NoSuchChild: the tree has none there.
    """
    chosen(client.ask(GetSnapshot()).rows, path)


def on_a_running_tree(command: Command) -> Command:
    """Give a command all options that it needs to ask a running tree; it gets a `connection` and an `output`."""
    return with_connection(with_output(command))


def with_connection(command: Command) -> Command:
    """Give a command -S and --timeout; it gets a `connection`."""

    @click.option(
        "-S",
        "--socket",
        metavar="NAME|PATH",
        shell_complete=complete_socket,
        help="Whom to ask: an application, or a socket's path. Without it: $OTP_SOCKET, else the only one there is.",
    )
    @duration_option("--timeout", default=f"{PATIENCE:g}s", show_default=True, help="How long an answer may take.")
    @wraps(command)
    def call(*, socket: str | None, timeout: float, **rest: Any) -> None:
        command(connection=Connection(socket, timeout), **rest)

    return cast("Command", call)
