"""`otp explain`: when a child is given up and what then, and what a restart of it touches."""

from collections.abc import Iterator
from pathlib import Path

import click

from otp.cli.connection import Connection, on_a_running_tree, path_argument
from otp.cli.on_paper import explained_on_paper
from otp.cli.output import Output, Shown
from otp.cli.target import load_target
from otp.control.wire.commands import Explain
from otp.control.wire.rows import Explained
from otp.text.printable import printable


@click.command(
    epilog="\b\nExamples:  otp explain massive/workers/ws_worker\n           otp explain workers/ws_worker --target trees.massive:tree --config massive.toml"
)
@path_argument
@click.option("--target", metavar="MODULE:NAME", help="Explain a tree on paper instead of a running one.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="The config of that target.")
@on_a_running_tree
def explain(*, path: str, target: str | None, config: Path | None, connection: Connection, output: Output) -> None:
    """Say when a child is given up, and what then.

    And what a restart of it touches.
    """
    if target is not None:
        found = explained_on_paper(load_target(target, config, show_traceback=False), path)
        output.show(shown(found))
        return
    if config is not None:
        raise click.UsageError("--config belongs to --target; a running tree has its config already")
    with connection.open() as client:
        output.show(shown(client.ask(Explain(path=path))))


def shown(found: Explained) -> Shown:
    """The explanation, and the blast radius."""
    return Shown(found, found.radius, lambda _: _lines(found))


def _lines(found: Explained) -> Iterator[str]:
    yield from (printable(line) for line in found.text.split("\n"))
    yield f"  a restart touches {len(found.radius)}: {printable(', '.join(found.radius))}; untouched: {found.untouched}"
