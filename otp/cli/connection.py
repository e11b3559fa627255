"""The options that every command on a running tree has, and the connection that they lead to."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

import click

from otp.cli.completion import complete_socket
from otp.cli.exit_codes import CODES, Ended, ExitCode
from otp.cli.parameters import seconds
from otp.control.client.client import PATIENCE, Client, connect
from otp.control.client.errors import CommandFailed
from otp.control.client.find import find_socket
from otp.control.wire.targets import NoSuchChild, TooMany
from otp.errors import ControlError, PatternError
from otp.text.printable import printable

__all__ = ("Connection", "with_connection")

Command = TypeVar("Command", bound=Callable[..., None])


class Connection(NamedTuple):
    """Whom to ask.

    Attributes:
        socket: a path, or the name of an application; None: the only one there is.
        timeout: seconds that an answer may take.
    """

    socket: str | None
    timeout: float

    @contextmanager
    def open(self) -> Generator[Client]:
        """A client; what it raises ends the command with a message and the exit code for it."""
        try:
            with connect(find_socket(self.socket), timeout=self.timeout) as client:
                yield client
        except CommandFailed as no:
            raise Ended(printable(str(no)), CODES[no.kind]) from None
        except NoSuchChild as unknown:
            raise Ended(printable(str(unknown)), ExitCode.NO_CHILD) from None
        except TooMany as many:
            raise Ended(printable(str(many)), ExitCode.REFUSED) from None
        except PatternError as wrong:
            raise Ended(printable(str(wrong)), ExitCode.USAGE) from None
        except ControlError as nobody:
            raise Ended(printable(str(nobody)), ExitCode.UNREACHABLE) from None


def with_connection(command: Command) -> Command:
    """Give a command -S and --timeout; it gets a `connection`."""

    @click.option(
        "-S",
        "--socket",
        metavar="NAME|PATH",
        shell_complete=complete_socket,
        help="Whom to ask: an application, or a socket's path. Without it: $OTP_SOCKET, else the only one there is.",
    )
    @click.option(
        "--timeout",
        type=seconds,
        default=f"{PATIENCE:g}s",
        show_default=True,
        metavar="DURATION",
        help="How long an answer may take.",
    )
    @wraps(command)
    def call(*, socket: str | None, timeout: float, **rest: Any) -> None:
        command(connection=Connection(socket, timeout), **rest)

    return cast("Command", call)
