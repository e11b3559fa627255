"""Standard streams that were closed when the process began: the null device takes their place.

Otherwise the first socket of an event loop gets the number of one of them: a line meant for standard error goes into it,
and uvloop, which will not have a socket there, aborts the process.
"""

import os
import sys

__all__ = ("open_standard_streams",)


def open_standard_streams() -> None:
    """Open what is closed of standard input, output and error. Call it before anything else is opened."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is taken, which is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # its only argument
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 # for the life of the process, by its number
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
