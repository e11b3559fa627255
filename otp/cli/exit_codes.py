"""Exit codes of commands, and the exception that ends a command with one."""

from enum import IntEnum

import click

from otp.text.printable import printable


class ExitCode(IntEnum):
    """Why a command ended."""

    OK = 0
    """It did what it was asked for."""

    ERROR = 1
    """It did not work: a start failed, a child refused to stop."""

    USAGE = 2
    """The command line is wrong."""

    NOT_UP = 3
    """It did, and something that is shown is not up."""

    NO_CHILD = 4
    """There is no such child, or incident."""

    REFUSED = 5
    """Not allowed: a read-only socket, faults are not enabled, many children without --all."""

    UNREACHABLE = 6
    """There is no answer: no process, no right to speak to it, or it has ended."""

    TIMED_OUT = 7
    """No answer in time, or the event loop is blocked."""

    CONFLICT = 8
    """Not possible in the state that the child is in."""

    INTERRUPTED = 130
    """Ctrl-C."""


CODES: dict[str, ExitCode] = {
    "error": ExitCode.ERROR,
    "not_found": ExitCode.NO_CHILD,
    "refused": ExitCode.REFUSED,
    "timed_out": ExitCode.TIMED_OUT,
    "conflict": ExitCode.CONFLICT,
    "blocked": ExitCode.TIMED_OUT,
    "gone": ExitCode.UNREACHABLE,
    "protocol": ExitCode.ERROR,
}
"""The exit code for each kind of failure that a server answers with."""

CODES_HELP = """\
Exit codes: 0 ok, 1 error, 2 usage, 3 something is not up (tree, ps, describe, health), 4 no such child or incident,
5 refused, 6 unreachable, 7 timed out, 8 conflict, 130 Ctrl-C. Those of `otp run`: see otp run --help."""


class Ended(click.ClickException):
    """The end of a command: one message on standard error, and an exit code.

    Args:
        message: lines; what is foreign in one of them is made printable before, so that it stays one line.
        code: the exit code.
    """

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__("\n".join(map(printable, message.split("\n"))))
        self.code = code

    @property
    def exit_code(self) -> int:  # type: ignore[override] # click has it as a constant of each class
        """The exit code."""
        return self.code
