"""The commands in the sections of `otp --help`; each is imported when it is called, or when the help lists it."""

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click

from otp.cli.exit_codes import ExitCode
from otp.cli.plugins import PluginGroup

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Run": {
        "run": "otp.cli.run:run",
        "check": "otp.cli.on_paper:check",
    },
    "Look": {
        "tree": "otp.cli.queries.tree:tree",
        "ps": "otp.cli.queries.ps:ps",
        "top": "otp.cli.top:top",
        "describe": "otp.cli.queries.describe:describe",
        "events": "otp.cli.queries.events:events",
        "incidents": "otp.cli.queries.incidents:incidents",
        "explain": "otp.cli.queries.explain:explain",
        "why": "otp.cli.queries.why:why",
        "stack": "otp.cli.queries.stack:stack",
        "health": "otp.cli.queries.health:health",
        "wait": "otp.cli.queries.wait:wait",
    },
    "Act": {
        "restart": "otp.cli.actions:restart",
        "stop": "otp.cli.actions:stop",
        "start": "otp.cli.actions:start",
        "reset": "otp.cli.actions:reset",
        "pause": "otp.cli.actions:pause",
        "resume": "otp.cli.actions:resume",
        "drain": "otp.cli.drain:drain",
    },
    "Test": {
        "fault": "otp.cli.actions:fault",
    },
    "Shell": {
        "completion": "otp.cli.completion:completion",
    },
}

ALIASES: Final = {"status": "ps"}

_PLACES: Final = {name: place for section in SECTIONS.values() for name, place in section.items()}


class SectionedGroup(PluginGroup):
    """The group of all commands: own ones by section, plugins behind them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, own ones first."""
        own = [name for name in _PLACES if _is_there(name)]
        return own + [name for name in super().list_commands(ctx) if name not in (*own, *ALIASES)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        name = ALIASES.get(cmd_name, cmd_name)
        return _imported(name) if _is_there(name) else super().get_command(ctx, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with."""
        if not ctx.resilient_parsing and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = get_close_matches(args[0], self.list_commands(ctx), n=2)
            instead = f"did you mean {' or '.join(near)}?" if near else "otp --help lists all"
            ctx.fail(f"there is no command {args[0]!r}; {instead}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; Ctrl-C ends it without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(file=sys.stderr)  # behind the ^C that the terminal shows
            ctx.exit(ExitCode.INTERRUPTED)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section."""
        names = self.list_commands(ctx)
        longest = max(map(len, names))
        sections = {title: [name for name in section if name in names] for title, section in SECTIONS.items()}
        sections["Plugins"] = [name for name in names if name not in _PLACES]
        for title, listed in sections.items():
            commands = [(name, self.get_command(ctx, name)) for name in listed]
            short = formatter.width - longest - 6
            rows = [(name.ljust(longest), found.get_short_help_str(short)) for name, found in commands if found]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _is_there(name: str) -> bool:
    return name in _PLACES and find_spec(_PLACES[name].partition(":")[0]) is not None


def _imported(name: str) -> click.Command:
    module, _, attribute = _PLACES[name].partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command
