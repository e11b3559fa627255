"""The commands in the sections of `otp --help`; each is imported when it is called, or when the help lists it."""

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click

from otp.cli import plugins
from otp.cli.exit_codes import ExitCode

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Run": {"run": "run", "check": "on_paper"},
    "Look": {
        "tree": "queries.tree",
        "ps": "queries.ps",
        "top": "top",
        "describe": "queries.describe",
        "events": "queries.events",
        "incidents": "queries.incidents",
        "explain": "queries.explain",
        "why": "queries.why",
        "stack": "queries.stack",
        "health": "queries.health",
        "wait": "queries.wait",
    },
    "Act": {**dict.fromkeys(("restart", "stop", "start", "reset", "pause", "resume"), "actions"), "drain": "drain"},
    "Test": {"fault": "actions"},
    "Shell": {"completion": "completion"},
}
"""The commands of each section, each with the module of `otp.cli` in which it has this name."""

ALIASES: Final = {"status": "ps"}

_MODULES: Final = {name: f"otp.cli.{place}" for section in SECTIONS.values() for name, place in section.items()}


class SectionedGroup(click.Group):
    """The group of all commands: own ones by section, plugins behind them; none takes the name of an own one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click gives it
        """The names, own ones first."""
        own = [name for name in _MODULES if _is_there(name)]
        return own + sorted(plugins.names() - {*own, *ALIASES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # click gives it
        """The command of that name; None if there is none."""
        name = ALIASES.get(cmd_name, cmd_name)
        return _imported(name) if _is_there(name) else plugins.command(name)

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
        sections["Plugins"] = [name for name in names if name not in _MODULES]
        for title, listed in sections.items():
            commands = [(name, self.get_command(ctx, name)) for name in listed]
            short = formatter.width - longest - 6
            rows = [(name.ljust(longest), found.get_short_help_str(short)) for name, found in commands if found]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _is_there(name: str) -> bool:
    return name in _MODULES and find_spec(_MODULES[name]) is not None


def _imported(name: str) -> click.Command:
    command: click.Command = getattr(import_module(_MODULES[name]), name)
    return command
