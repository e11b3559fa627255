"""The pane beside the tree: all about the child under the cursor, on five pages."""

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from otp.control.wire.looks import Tone
from otp.control.wire.rows import ChildRow, Why
from otp.text.printable import printable
from otp.tui.colours import STYLES
from otp.tui.label import Label
from otp.tui.pages import PAGES, Line, Page, page
from otp.tui.requests import ChildAnswer


class _Page(VerticalScroll):
    """The part that scrolls; left and right turn pages, also from here."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("left", "app.turn(-1)"), Binding("right", "app.turn(1)")]


class Details(Vertical):
    """The pane: the row of a child as it is now, and the last answer about it."""

    DEFAULT_CSS = """
    Details VerticalScroll { scrollbar-size-vertical: 1; padding: 0 1; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.page: Page = PAGES[0]
        self._answered: ChildAnswer | None = None
        self._shown: list[Line] = []

    def compose(self) -> ComposeResult:
        """Two lines above, and the page below."""
        yield Label(id="title")
        yield Label(id="tabs")
        with _Page():
            yield Static(id="page")

    @property
    def body(self) -> VerticalScroll:
        """The part that scrolls."""
        return self.query_one(VerticalScroll)

    def answer(self, answered: ChildAnswer) -> None:
        """Take the answer to a query about a child."""
        self._answered = answered

    def turn_to(self, page: Page) -> None:
        """Show another page, from its top."""
        self.page = page
        self.body.scroll_home(animate=False)

    def show(self, row: ChildRow | None) -> None:
        """Draw what is known of a child; None: there is none."""
        self.query_one("#title", Label).show(Text(f" {row.path}" if row else "", "bold", no_wrap=True))
        self.query_one("#tabs", Label).show(_tabs(self.page))
        lines = self._lines(row)
        if lines != self._shown:
            layout = list(map(_size, lines)) != list(map(_size, self._shown))
            self._shown = lines
            self.query_one("#page", Static).update(_grid(lines), layout=layout)

    def _lines(self, row: ChildRow | None) -> list[Line]:
        if row is None:
            return [(Text(), Text("no child fits", "dim"))]
        answer = self._answered.answer if self._answered and self._answered.path == row.path else None
        lines = page(self.page, row, answer if isinstance(answer, Why) else None)
        return (
            lines if not isinstance(answer, str) else [(Text(), Text(printable(answer), STYLES[Tone.WAITING])), *lines]
        )


def _size(line: Line) -> tuple[int, int]:
    """The lengths that decide how many lines of the screen a line takes."""
    return len(line[0]), len(line[1])


def _grid(lines: list[Line]) -> Table:
    """Lay lines out: labels keep their column, whatever is wrapped beside them."""
    labelled = any(label for label, _ in lines)
    grid = Table.grid(padding=(0, 1, 0, 0))
    for label, text in lines:
        grid.add_row(*((label, text) if labelled else (text,)))
    return grid


def _tabs(shown: Page) -> Text:
    text = Text(" ", no_wrap=True)
    for number, name in enumerate(PAGES, start=1):
        text.append(f"{number} {name}", "bold reverse" if name == shown else "")
        text.append("  ")
    return text
