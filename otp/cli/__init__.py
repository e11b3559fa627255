"""The `otp` command: start a tree, look into a running one, act on it; and the commands that other packages add as plugins.

`otp run` makes the tree's event loop in its main thread. All other commands live in a process of their own, which has no
event loop: they ask over a socket, and block until the answer is there.
"""

import sys
from pathlib import Path

import click

from otp import __version__
from otp.cli.exit_codes import CODES_HELP
from otp.cli.sections import SectionedGroup


@click.group("otp", cls=SectionedGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=CODES_HELP)
@click.version_option(__version__, prog_name="otp")
def command() -> None:
    """Supervision trees for Python: run one, and look into a running one from another shell.

    TARGET names a tree as module:name, such as trees.massive:tree; it is looked for in the current folder first. PATH
    names a child of a running tree, such as massive/workers/ws_worker; the root's id may be left out. Patterns as
    'workers/*' name several.
    """


def main() -> None:
    """Run the command line of this process, and exit."""
    sys.path.insert(0, str(Path.cwd()))
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="replace")  # a terminal that knows no tree lines gets question marks
    command(complete_var="_OTP_COMPLETE")  # also as python -m otp, and whatever the script is called
