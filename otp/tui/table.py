"""The tree as a table of one line a child, drawn line by line: what is not on the screen costs nothing.

A thousand children are a thousand rows in the mirror; only the forty that are seen are made into text.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from otp.control.wire.rows import ChildRow
from otp.text.printable import printable
from otp.tui.columns import Cell, Column, columns_for, name_of

HEAD = 1
"""Lines above the first child; they do not scroll."""


class TreeTable(ScrollView, can_focus=True):
    """The table; its cursor stays on a child, wherever that child goes.

    Args:
        row: the row of a path as it is now, or None; it is asked when the line is drawn.
    """

    DEFAULT_CSS = """
    TreeTable { scrollbar-size-vertical: 1; overflow-x: hidden; }
    TreeTable > .tree--head { text-style: bold underline; }
    TreeTable > .tree--good { color: $text-success; }
    TreeTable > .tree--waiting { color: $text-warning; text-style: bold; }
    TreeTable > .tree--bad { color: $text-error; text-style: bold; }
    TreeTable > .tree--quiet { color: $text-muted; text-style: dim; }
    TreeTable > .tree--supervisor { text-style: bold; }
    TreeTable > .tree--stale { text-style: dim; }
    TreeTable > .tree--cursor { text-style: reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"tree--{name}"
        for name in ("plain", "good", "waiting", "bad", "quiet", "head", "worker", "supervisor", "stale", "cursor")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home,g", "move(-1000000000)", "first", show=False),
        Binding("left", "app.turn(-1)", "page before", show=False),
        Binding("right", "app.turn(1)", "next page", show=False),
        Binding("end,G", "move(1000000000)", "last", show=False),
    ]

    class Moved(Message):
        """The cursor is on another child."""

    def __init__(self, row: Callable[[str], ChildRow | None], id: str | None = None) -> None:
        super().__init__(id=id)
        self._row = row
        self._paths: Sequence[str] = ()
        self._as_tree = True
        self._is_stale = False
        self._index = 0
        self._styles: dict[tuple[str, ...], Style] = {}
        self._drawn: dict[int, Strip] = {}

    @property
    def selected(self) -> str:
        """The path under the cursor; empty without any child."""
        return self._paths[self._index] if self._paths else ""

    @property
    def paths(self) -> Sequence[str]:
        """The paths that are shown, in their order."""
        return self._paths

    def show(self, paths: Sequence[str], *, as_tree: bool, is_stale: bool) -> None:
        """Show these children from now on, and draw what is to be seen of them.

        Args:
            paths: in the order of the lines.
            as_tree: names are indented, else they are paths.
            is_stale: the process is lost, and what is shown is as it was then.
        """
        before, self._as_tree, self._is_stale = self.selected, as_tree, is_stale
        if paths != self._paths:
            self._paths = paths
            self.virtual_size = Size(0, len(paths) + HEAD)
            self._keep(before)
            self.refresh(layout=True)  # its height is that of its lines, where there is room
        self._refresh_changed()

    def select(self, path: str) -> None:
        """Put the cursor on a child, if it is shown."""
        if path in self._paths:
            self._move_to(self._paths.index(path))

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the head, a child, or nothing."""
        self._drawn[y] = self._line(y)
        return self._drawn[y]

    def _refresh_changed(self) -> None:
        """Draw the lines that are not as they were drawn last: a terminal may be far away."""
        width = self.scrollable_content_region.width
        for y in range(self.scrollable_content_region.height):
            if self._drawn.get(y) != self._line(y):
                self.refresh(Region(0, y, width, 1))

    def _line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        columns = columns_for(width)
        if y < HEAD:
            return self._strip(_head(columns, width), width, ("head",))
        index = y - HEAD + self.scroll_offset.y
        row = self._row(self._paths[index]) if index < len(self._paths) else None
        if row is None:  # below the last one, or gone since the last drawing
            return Strip.blank(width, self._style(()))
        kinds = (row.kind, *(("stale",) if self._is_stale else ()), *(("cursor",) if index == self._index else ()))
        return self._strip(self._cells(row, columns, width), width, kinds)

    def notify_style_update(self) -> None:
        """The theme is another: look its colours up again."""
        super().notify_style_update()
        self._styles.clear()

    def action_move(self, lines: int) -> None:
        """Move the cursor."""
        self._move_to(self._index + lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what fits the screen."""
        self._move_to(self._index + pages * max(1, self._lines - 1))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        if event.y >= HEAD:
            self._move_to(event.y - HEAD + self.scroll_offset.y)

    # ------------------------------------------------------------------------------------------------

    @property
    def _lines(self) -> int:
        return max(1, self.scrollable_content_region.height - HEAD)

    def _keep(self, before: str) -> None:
        """The cursor goes with its child; if that is gone, it stays in its line."""
        if before in self._paths:
            self._index = self._paths.index(before)
        else:
            self._index = max(0, min(self._index, len(self._paths) - 1))
        self._into_view()
        if self.selected != before:
            self.post_message(self.Moved())

    def _move_to(self, index: int) -> None:
        index = max(0, min(index, len(self._paths) - 1))
        if index == self._index or not self._paths:
            return
        self._index = index
        self._into_view()
        self.refresh()
        self.post_message(self.Moved())

    def _into_view(self) -> None:
        top, lines = self.scroll_offset.y, self._lines
        if not top <= self._index < top + lines:
            target = self._index if self._index < top else self._index - lines + 1
            self.scroll_to(y=target, animate=False, force=True, immediate=True)

    def _cells(self, row: ChildRow, columns: Sequence[Column], width: int) -> Iterator[tuple[str, str]]:
        name = name_of(row, as_tree=self._as_tree)
        yield _fitted(name, _name_width(columns, width), keep_end=not self._as_tree), "plain"
        for column in columns:
            cell = column.cell(row)
            yield _aligned(cell, column), cell.tone

    def _strip(self, cells: Iterator[tuple[str, str]], width: int, kinds: tuple[str, ...]) -> Strip:
        segments = [Segment(f"{text} ", self._style((tone, *kinds))) for text, tone in cells]
        return Strip(segments).adjust_cell_length(width, self._style(kinds))

    def _style(self, names: tuple[str, ...]) -> Style:
        """The widget's own style with those of these names above it."""
        if names not in self._styles:
            styles = [self.get_component_rich_style(f"tree--{name}", partial=True) for name in names]
            self._styles[names] = Style.combine([self.rich_style, *styles])
        return self._styles[names]


def _head(columns: Sequence[Column], width: int) -> Iterator[tuple[str, str]]:
    yield _fitted("CHILD", _name_width(columns, width)), "plain"
    for column in columns:
        yield _aligned(Cell(column.title), column), "plain"


def _name_width(columns: Sequence[Column], width: int) -> int:
    return max(1, width - 1 - sum(column.width + 1 for column in columns))


def _aligned(cell: Cell, column: Column) -> str:
    text = _fitted(cell.text, column.width)
    return text.rstrip().rjust(column.width) if column.right else text


def _fitted(text: str, width: int, *, keep_end: bool = False) -> str:
    """The text in so many cells; what is cut off is seen to be."""
    text = printable(text)
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    if keep_end:
        return set_cell_size(f"…{text[1 - width :]}", width) if width > 1 else "…"
    return f"{set_cell_size(text, width - 1)}…"
