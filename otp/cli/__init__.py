"""The `otp` command: `run`, `check` and `tree`, and whatever other packages add as plugins."""

import sys
from pathlib import Path

import click

from otp import __version__
from otp.cli.check import check
from otp.cli.plugins import PluginGroup
from otp.cli.run import run
from otp.cli.top import top
from otp.cli.tree import tree

__all__ = ("command", "main")


@click.group("otp", cls=PluginGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="otp")
def command() -> None:
    """Supervision trees for Python.

    TARGET names a tree as module:name, such as trees.massive:tree; it is looked for in the current folder first.
    """


command.add_command(run)
command.add_command(check)
command.add_command(top)
command.add_command(tree)


def main() -> None:
    """Run the command line of this process, and exit."""
    sys.path.insert(0, str(Path.cwd()))
    command()
