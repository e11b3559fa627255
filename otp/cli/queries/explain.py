"""`otp explain`: when a child is given up and what then, and what a restart of it touches."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from otp.cli.completion import complete_path
from otp.cli.connection import Connection, with_connection
from otp.cli.exit_codes import Ended, ExitCode
from otp.cli.output import Output, Shown, fields, with_output
from otp.cli.target import load_target
from otp.control.wire.commands import Explain
from otp.control.wire.rows import Explained
from otp.core.explain import explain as explained
from otp.core.paths import is_within, join
from otp.errors import NotFound
from otp.spec import AnySpec, SupervisorSpec
from otp.text.printable import printable

__all__ = ("explain", "shown")


@click.command(
    epilog="\b\nExamples:  otp explain massive/workers/ws_worker\n           otp explain workers/ws_worker --target trees.massive:tree --config massive.toml"
)
@click.argument("path", shell_complete=complete_path)
@click.option("--target", metavar="MODULE:NAME", help="Explain a tree on paper instead of a running one.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="The config of that target.")
@with_connection
@with_output
def explain(*, path: str, target: str | None, config: Path | None, connection: Connection, output: Output) -> None:
    """Say when a child is given up, and what then.

    And what a restart of it touches.
    """
    if target is not None:
        found = _on_paper(load_target(target, config, show_traceback=False), path)
        output.show(shown(found))
        return
    if config is not None:
        raise click.UsageError("--config belongs to --target; a running tree has its config already")
    with connection.open() as client:
        output.show(shown(client.ask(Explain(path=path))))


def shown(found: Explained) -> Shown:
    """The explanation, and the blast radius."""
    return Shown(fields(found), (fields(found),), found.radius, lambda _: "\n".join(_lines(found)))


def _lines(found: Explained) -> Iterator[str]:
    yield from (printable(line) for line in found.text.split("\n"))
    yield f"  a restart touches {len(found.radius)}: {printable(', '.join(found.radius))}; untouched: {found.untouched}"


# ------------------------------------------------------------------------------------------------ on paper


def _on_paper(tree: SupervisorSpec, path: str) -> Explained:
    wanted = path.strip("/")
    full = wanted if is_within(wanted, tree.id) else join(tree.id, wanted)
    try:
        explanation = explained(tree, full)
    except NotFound as none:
        raise Ended(str(none), ExitCode.NO_CHILD) from None
    radius = tuple(_radius(tree, full, explanation.takes_along))
    others = len(list(_below(tree, tree.id))) - len(radius)
    return Explained(text=str(explanation), explanation=explanation, radius=radius, untouched=others)


def _radius(tree: SupervisorSpec, path: str, takes_along: Sequence[str]) -> Iterator[str]:
    """The child and the siblings that are restarted with it, each with all below it, in start order."""
    above, _, id = path.rpartition("/")
    touched = [join(above, each) for each in (id, *takes_along)]
    yield from (each for each in _below(tree, tree.id) if any(is_within(each, one) for one in touched))


def _below(spec: AnySpec, path: str) -> Iterator[str]:
    if isinstance(spec, SupervisorSpec):
        for child in spec.children:
            yield join(path, child.id)
            yield from _below(child, join(path, child.id))
