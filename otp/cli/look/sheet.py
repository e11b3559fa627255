"""A sheet about one child: its path and state, and below them facts with names at the left.

massive/workers/ws_worker  BACKOFF
  kind      worker, permanent
  restarts  5 after a crash, 1 by hand, 0 with others; streak 3
"""

from collections.abc import Iterator, Sequence

from otp.cli.output import Page
from otp.cli.tables import Cell, paint
from otp.cli.text import cut, printable

__all__ = ("Fact", "sheet")

Fact = tuple[str, Sequence[str]]
"""A name and its lines. Without a line that says something it is left out."""


def sheet(path: str, state: Cell, facts: Sequence[Fact], page: Page) -> Iterator[str]:
    """The lines of it; cut where the page is narrower."""
    title = paint(printable(path), "title", colour=page.colour)
    yield f"{title}  {paint(state.text, state.style, colour=page.colour)}"
    said = [(name, list(filter(None, lines))) for name, lines in facts]
    column = max((len(name) for name, lines in said if lines), default=0)
    for name, lines in said:
        for number, line in enumerate(lines):
            label = paint(f"{'' if number else name:<{column}}", "dim", colour=page.colour)
            clean = printable(line)
            yield f"  {label}  {clean if page.within is None else cut(clean, page.within - column - 4)}"
