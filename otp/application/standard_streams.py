"""Opens the null device in place of standard streams that were closed when the process began.

Otherwise the first socket of an event loop would get such a number: lines for standard error would go into that socket,
and uvloop, which refuses a socket there, would abort the process.
"""

import os
import sys


def open_standard_streams() -> None:
    """Open the null device for each standard stream that is closed. Call it before anything else is opened."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is taken, which is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 # for the life of the process, by its number
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
