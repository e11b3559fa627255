"""`otp stack`: what a worker awaits, seen without running any of its code.

    massive/workers/ws_worker  RUNNING
      run (workers/stream.py:88)
      → recv (asyncio/connection.py:304)
      task keepalive
        ping (workers/stream.py:140)

Tasks that it started stand below it.
"""

import re
from collections.abc import Iterator, Sequence

import click

from otp.cli.connection import Connection, on_a_running_tree, path_argument
from otp.cli.output import Output, Page, Shown, listing
from otp.cli.terminal import paint
from otp.control.wire.commands import GetStack
from otp.control.wire.rows import StackRow
from otp.text.frames import short_place
from otp.text.printable import printable

_STEP = re.compile(r"(?P<function>.*) \((?P<place>[^()]*)\)")


@click.command(epilog="Example:  otp stack massive/workers/ws_worker")
@path_argument
@on_a_running_tree
def stack(*, path: str, connection: Connection, output: Output) -> None:
    """Show what a worker awaits, outermost first.

    Of a supervisor, all workers below it. -o wide has whole file names.
    """
    with connection.open() as client:
        output.show(shown(client.greeting.app, client.ask(GetStack(path=path)).stacks))


def shown(app: str, stacks: Sequence[StackRow]) -> Shown:
    """The workers, each with its tasks."""
    paths = [row.path for row in stacks]
    return listing(app, "stacks", stacks, paths, lambda page: [line for row in stacks for line in _lines(row, page)])


def stack_lines(row: StackRow, *, wide: bool) -> Iterator[str]:
    """Yield what a worker awaits, and then what each task awaits that it started."""
    if not row.tasks:
        yield "(no task)"
    for task in row.tasks:
        indent = "  " * task.depth
        if task.depth or task.name != row.path:
            yield f"{indent[2:]}task {printable(task.name)}"
        for number, step in enumerate(task.chain or ("(nothing is known)",)):
            yield f"{indent}{'→ ' if number else ''}{printable(_step(step, wide))}"


def _lines(row: StackRow, page: Page) -> Iterator[str]:
    yield f"{paint(printable(row.path), 'title', colour=page.colour)}  {printable(row.state).upper()}"
    yield from (f"  {line}" for line in stack_lines(row, wide=page.wide))


def _step(step: str, wide: bool) -> str:
    found = _STEP.fullmatch(step)
    return step if wide or found is None else f"{found['function']} ({short_place(found['place'])})"
