"""The options that every command on a running tree has, and the connection that they lead to."""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from difflib import get_close_matches
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

import click

from otp.cli.completion import complete_socket
from otp.cli.durations import seconds
from otp.cli.exit_codes import CODES, Ended, ExitCode
from otp.cli.names import all_paths, without_root
from otp.control.client import PATIENCE, Client, CommandFailed, connect, find_socket
from otp.errors import ControlError

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
    def open(self, about: str = "", among: "Callable[[Client], Iterable[str]] | None" = None) -> Generator[Client]:
        """A client; what it raises ends the command with a message and the exit code for it.

        Args:
            about: what is asked for by name, so that a wrong name is told the nearest ones.
            among: where those are; None: the paths of the tree.
        """
        try:
            with connect(find_socket(self.socket), timeout=self.timeout) as client:
                try:
                    yield client
                except CommandFailed as no:
                    hint = _nearest(client, about, among or all_paths) if no.kind == "not_found" and about else ""
                    raise Ended(f"{no}{hint}", CODES[no.kind]) from None
        except ControlError as nobody:
            raise Ended(str(nobody), ExitCode.UNREACHABLE) from None


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
        default=PATIENCE,
        show_default="30s",
        metavar="DURATION",
        help="How long an answer may take.",
    )
    @wraps(command)
    def call(*, socket: str | None, timeout: float, **rest: Any) -> None:
        command(connection=Connection(socket, timeout), **rest)

    return cast("Command", call)


def _nearest(client: Client, wanted: str, among: Callable[[Client], Iterable[str]]) -> str:
    """What may have been meant; a hint that cannot be had is none."""
    try:
        known = list(among(client))
    except ControlError:
        return ""
    # A path is written with the root's id or without, and often only its last id is remembered.
    shorter = {short: path for path in known for short in (path, without_root(path), path.rpartition("/")[2])}
    near = {shorter[close]: None for close in get_close_matches(wanted, shorter, n=3)}
    return f"; did you mean {' or '.join(near)}?" if near else ""
