"""Completion in a shell: paths and incidents of a running tree, names of applications, and the script for the shell.

A completion that is late is in the way, and one that fails writes into a half-typed line: so it has a moment, and is
silent when there is nothing.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import click
from click.shell_completion import get_completion_class

from otp.control.client.client import Client, connect
from otp.control.client.find import find_socket
from otp.control.wire.commands import GetIncidents, GetSnapshot
from otp.control.wire.sockets import live_sockets

MOMENT = 0.2
"""Seconds for all that the socket is asked."""


def complete_path(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Complete a path of the running tree, with the root's id in front; without it if what is there begins so."""
    paths = _live(ctx, lambda client: [row.path for row in client.ask(GetSnapshot()).rows])
    begun = [path for path in paths if path.startswith(incomplete)]
    below_root = [path.partition("/")[2] for path in paths]
    return begun or [short for short in below_root if short and short.startswith(incomplete)]


def complete_incident(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Complete the id of an open incident."""
    ids = _live(ctx, lambda client: [incident.id for incident in client.ask(GetIncidents()).incidents])
    return [id for id in ids if id.startswith(incomplete)]


def complete_socket(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Complete the name of an application that runs."""
    try:
        return [path.stem for path in live_sockets() if path.stem.startswith(incomplete) and path.stem.isprintable()]
    except Exception:  # noqa: BLE001 # silence, see above
        return []


@click.command(epilog='Example, for ~/.bashrc:  eval "$(otp completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script with which SHELL completes otp."""
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(completion, {}, "otp", "_OTP_COMPLETE").source())


def _live(ctx: click.Context, names: Callable[[Client], Iterable[str]]) -> Sequence[str]:
    deadline = time.monotonic() + MOMENT
    try:
        with connect(find_socket(ctx.params.get("socket")), timeout=MOMENT) as client:
            client.patience(max(0.001, deadline - time.monotonic()))
            return [name for name in names(client) if name.isprintable()]  # a shell shows them as they are
    except Exception:  # noqa: BLE001 # silence, see above
        return ()
