"""The screen of all events: what happens in the whole tree, the newest below."""

from collections.abc import Sequence
from typing import ClassVar

from rich.console import Console
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from otp.control.wire.rows import EventRow
from otp.tui.label import on_one_line
from otp.tui.pages import event_line

KEPT = 1000
"""Events that the screen holds."""


class _Lines(ScrollView, can_focus=True):
    """The events as lines, of which only those on the screen are drawn."""

    DEFAULT_CSS = "_Lines { scrollbar-size-vertical: 1; overflow-x: hidden; }"

    def __init__(self) -> None:
        super().__init__()
        self._events: Sequence[EventRow] = ()
        self._terminal = Console()

    def show(self, events: Sequence[EventRow]) -> None:
        """Show these events; a view that is at the end stays there."""
        if events == self._events:
            return
        follows = self.scroll_offset.y >= self.max_scroll_y
        self._events = events
        self.virtual_size = Size(0, len(events))
        if follows:
            self.scroll_end(animate=False, immediate=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One event, or nothing."""
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        if index >= len(self._events):
            return Strip.blank(width, self.rich_style)
        stamp, text = event_line(self._events[index])
        segments = on_one_line(Text.assemble(stamp, " ", text, end="")).render(self._terminal)
        return Strip(segments).apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)


class EventScreen(ModalScreen[None]):
    """The screen; `show` is called whenever something may be new.

    Attributes:
        debug: healthy operation is shown too.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,e", "dismiss(None)", "back"),
        Binding("d", "debug", "healthy operation"),
    ]
    DEFAULT_CSS = """
    EventScreen { background: $background; }
    EventScreen > Static { height: 1; text-style: reverse; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.debug = False
        self._all: Sequence[EventRow] = ()

    def compose(self) -> ComposeResult:
        """The events between two lines."""
        yield Static(" events of the whole tree", id="title")
        yield _Lines()
        yield Static(" Esc back   d healthy operation too   ↑ ↓ PgUp PgDn Home End", id="bar")

    def on_mount(self) -> None:
        """Arrows scroll."""
        self.query_one(_Lines).focus()

    def show(self, events: Sequence[EventRow]) -> None:
        """Show these events, as far as they are wanted."""
        self._all = events
        if self.is_mounted:
            self.query_one(_Lines).show([event for event in events if self.debug or event.level != "DEBUG"])

    def action_debug(self) -> None:
        """Show healthy operation too, or no more."""
        self.debug = not self.debug
        self.show(self._all)


def merged(*sources: Sequence[EventRow]) -> list[EventRow]:
    """The events of all sources, each once, in order; the last thousand."""
    found = {event.seq: event for source in sources for event in source}
    return [found[seq] for seq in sorted(found)][-KEPT:]
