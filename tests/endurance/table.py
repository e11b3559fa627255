"""What was measured, as one table, with what is a violation."""

import sys
from typing import NamedTuple

__all__ = ("Line", "print_table")


class Line(NamedTuple):
    """One figure.

    Attributes:
        what: is measured.
        figure: as it is printed.
        limit: in words; empty: there is none.
        holds: whether it is kept.
    """

    what: str
    figure: str
    limit: str = ""
    holds: bool = True


def print_table(title, lines):
    """Print them, and whether all limits are kept."""
    width = max(len(line.what) for line in lines)
    figures = max(len(line.figure) for line in lines)
    sys.stdout.write(f"\n{title}\n")
    for line in lines:
        verdict = "" if not line.limit else "ok" if line.holds else "VIOLATED"
        text = f"  {line.what:{width}}  {line.figure:>{figures}}  {line.limit:24} {verdict}"
        sys.stdout.write(f"{text.rstrip()}\n")
    sys.stdout.flush()
    return all(line.holds for line in lines)
