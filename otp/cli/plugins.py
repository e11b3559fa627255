"""Commands that other packages bring, by an entry point in the group `otp.commands`.

    [project.entry-points."otp.commands"]
    demo = "services.massive.demo.command:command"

A plugin is imported when its command is called or the help lists it. One that cannot be imported stays in the help,
with what to install.
"""

from importlib.metadata import EntryPoint, entry_points

import click

from otp.cli.target import Failure
from otp.extras import hint
from otp.runtime.crash import describe
from otp.text.redaction import clean

GROUP = "otp.commands"


def names() -> set[str]:
    """The names of their commands."""
    return entry_points(group=GROUP).names


def command(name: str) -> click.Command | None:
    """The plugin's command of that name; None if there is none."""
    return next(map(_loaded, entry_points(group=GROUP, name=name)), None)


def _loaded(plugin: EntryPoint) -> click.Command:
    try:
        command = plugin.load()
    except Exception as error:  # noqa: BLE001 # a broken plugin must not break the other commands
        distribution = (plugin.dist.name,) if plugin.dist else ()
        why = f"importing {plugin.module} failed: {describe(error)}"
        return _unavailable(plugin, why, hint(error, *distribution))
    if not isinstance(command, click.Command):
        return _unavailable(plugin, f"expected {plugin.value} to be a click command, got {command!r}", "")
    return command


def _unavailable(plugin: EntryPoint, why: str, install: str) -> click.Command:
    """Stands in for a command that is not there, whatever arguments it is called with."""

    def fail(arguments: tuple[str, ...]) -> None:  # noqa: ARG001 # what it would have been called with
        raise Failure(f"otp {plugin.name} is not available: {why}{f'; {install}' if install else ''}")

    return click.Command(
        plugin.name,
        callback=fail,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
        short_help=f"(not available: {install or clean(why)})",
    )
