"""The screen of `otp top`: its parts, its keys, and ten times a second what has become of the tree.

The tree is never asked for what is shown: its messages are applied to a mirror, and the screen is drawn from that. All
that came in a tenth of a second is drawn once.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widgets import Input

from otp.control.client.client import PATIENCE
from otp.control.client.feed import Feed
from otp.control.client.link import Joined
from otp.control.client.mirror import Mirror
from otp.control.wire.commands import Pause, Reset, Restart, Resume, Start, Stop
from otp.control.wire.protocol import Acted
from otp.control.wire.rows import ChildRow, EventRow
from otp.tui.colours import first_theme, next_theme
from otp.tui.confirm import Confirm, refused, result
from otp.tui.details import Details
from otp.tui.events import EventScreen, merged
from otp.tui.headline import Headline
from otp.tui.keys import SHOWN, Help, bar
from otp.tui.label import Label
from otp.tui.order import Arrangement, Order
from otp.tui.pages import PAGES
from otp.tui.requests import Action, ChildAnswer, ChildQueries, Outcome, command, history
from otp.tui.table import TreeTable

FRAME = 0.1
"""Seconds between two drawings, at the least."""

TICK = 1.0
"""Seconds after which clocks are drawn anew although nothing happened."""

SAID = 20.0
"""Seconds for which what came of a command is shown."""

ACTIONS: dict[str, type[Action]] = {"restart": Restart, "stop": Stop, "start": Start, "reset": Reset}

Answer = TypeVar("Answer")


class Told(Message):
    """A thread has an answer: what is done with it."""

    def __init__(self, take: Callable[[], None]) -> None:
        super().__init__()
        self.take = take


class Top(App[None]):
    """The screen.

    Args:
        path: of the socket.
        feed: watches it.
        patience: seconds that a command may take.

    Attributes:
        path: of the socket.
        patience: seconds that a command may take.
        queries: asks about the child under the cursor.
        table: the tree on the screen.
    """

    CSS_PATH = "top.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (132, "-wide")]  # noqa: RUF012 # textual does not call it a ClassVar
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *SHOWN,
        Binding("enter", "zoom", "details"),
        Binding("escape", "leave", "back"),
        Binding("left", "turn(-1)", "page before"),
        Binding("right", "turn(1)", "next page"),
        Binding("t", "colours", "colours"),
        Binding("ctrl+c", "quit", "quit", priority=True),
        *(Binding(str(number), f"page({number})", page) for number, page in enumerate(PAGES, start=1)),
    ]

    def __init__(self, path: Path, feed: Feed | None = None, *, patience: float = PATIENCE) -> None:
        # Said at the start only: whether NO_COLOR takes all colours away, or leaves shades of grey.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.path = path
        self.patience = patience
        self._feed = feed or Feed(path)
        self.queries = ChildQueries(path, self._from_thread(self._answered))
        self._mirror = Mirror()
        self._arrangement = Arrangement(self._mirror)
        self._headline = Headline(id="headline")
        self.table = TreeTable(self._row, id="tree")
        self._details = Details(id="details")
        self._status_line = Label(id="said")
        self._said: tuple[Text, float] = (Text(), 0.0)
        self._drawn = 0.0
        self._busy = False

    # ------------------------------------------------------------------------------------------------ the parts

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._headline
        with Container(id="main"):
            yield self.table
            yield self._details
        yield self._status_line
        yield Input(id="sought", placeholder="part of a path or state, or a pattern such as workers/*", compact=True)
        yield Label(bar(), id="bar")

    def on_mount(self) -> None:
        """Begin to watch."""
        self.theme = first_theme(os.environ)
        self.table.focus()
        self._feed.start()
        self.queries.start()
        self.set_interval(FRAME, self._tick)
        self._draw()

    def on_unmount(self) -> None:
        """Watch no more; the threads end by themselves."""
        self._feed.stop()
        self.queries.stop()

    # ------------------------------------------------------------------------------------------------ what comes

    def _tick(self) -> None:
        """Take over what has come, and draw if that is anything, or a second is over."""
        if not self._is_whole:
            return
        news = self._feed.take()
        for one in news:
            touched = self._mirror.take(one)
            if self.table.selected in touched or (isinstance(one, Joined) and self.table.selected):
                self.queries.want(self.table.selected)
        clock = time.monotonic()
        if news or clock - self._drawn >= TICK:
            self._draw()

    def _draw(self) -> None:
        clock = self._drawn = time.monotonic()
        mirror, arrangement = self._mirror, self._arrangement
        self._headline.draw(mirror, mirror.link, clock)
        self.table.show(
            arrangement.paths(clock), as_tree=arrangement.order is Order.TREE, is_stale=mirror.link.state == "lost"
        )
        self._draw_details()
        self._status_line.show(self._status(clock))
        for screen in self.screen_stack:
            if isinstance(screen, EventScreen):
                screen.show(tuple(mirror.events))

    def _draw_details(self) -> None:
        self._details.show(self._row(self.table.selected))

    def _row(self, path: str) -> ChildRow | None:
        mirror = self._mirror
        return mirror.row(path, mirror.link.now(time.monotonic())) if path in mirror else None

    def _status(self, clock: float) -> Text:
        said, at = self._said
        if said and clock - at < SAID:
            return said
        text = Text(f" sort: {self._arrangement.order}")
        if self._arrangement.sought:
            shown, total = len(self.table.paths), self._mirror.total + 1
            text.append(f" · filter: {self._arrangement.sought} ({shown} of {total}), Esc ends it")
        return text

    def _say(self, text: Text) -> None:
        self._said = text, time.monotonic()
        self._draw()

    # ------------------------------------------------------------------------------------------------ answers of threads

    def on_told(self, told: Told) -> None:
        """Take an answer of a thread; one that comes while the screen is taken down is dropped."""
        if self._is_whole:
            told.take()

    def _from_thread(self, take: Callable[[Answer], None]) -> Callable[[Answer], None]:
        """Make a function for any thread, which has `take` called in the thread of the screen."""

        def tell(answer: Answer) -> None:
            with suppress(RuntimeError):  # the loop has ended, and the screen with it
                self.post_message(Told(partial(take, answer)))

        return tell

    def _answered(self, answered: ChildAnswer) -> None:
        self._details.answer(answered)
        self._draw_details()

    def _rehearsed(self, outcome: Outcome) -> None:
        """Show what a command would touch, and send it when that is confirmed."""
        if isinstance(outcome.answer, Acted):
            self.push_screen(Confirm(outcome.command, outcome.answer), self._confirmed)
        else:
            self._busy = False
            self._say(refused(outcome))

    def _confirmed(self, wanted: Action | None) -> None:
        self._busy = False
        if wanted is None:
            self._say(Text("nothing was done"))
            return
        self._say(Text(f"… {type(wanted).__name__.lower()} {wanted.path}", "bold"))
        command(self.path, wanted, self._from_thread(lambda outcome: self._say(result(outcome))), self.patience)

    # ------------------------------------------------------------------------------------------------ keys

    def on_tree_table_moved(self) -> None:
        """Show another child's details; the event may come while the screen is taken down already."""
        if not self._is_whole:
            return
        if self.table.selected:
            self.queries.want(self.table.selected)
        self._draw_details()

    def action_act(self, name: str) -> None:
        """Ask what a command on the child under the cursor would touch."""
        self._rehearse(ACTIONS[name](path=self.table.selected, dry_run=True))

    def action_pause(self) -> None:
        """Ask what beginning or ending the maintenance of the child under the cursor would touch."""
        row = self._row(self.table.selected)
        if row is not None:
            self._rehearse((Resume if row.paused else Pause)(path=row.path, dry_run=True))

    def _rehearse(self, wanted: Action) -> None:
        if wanted.path and not self._busy:
            self._busy = True
            command(self.path, wanted, self._from_thread(self._rehearsed), self.patience)

    def action_seek(self) -> None:
        """Type a filter."""
        self.screen.add_class("seeking")
        self.query_one("#sought", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Each letter of the filter counts at once."""
        if event.input.id == "sought":
            self._arrangement.sought = event.value.strip()
            self._draw()

    def on_input_submitted(self) -> None:
        """The filter is as it is wanted: back to the tree."""
        self.table.focus()

    def action_leave(self) -> None:
        """From the details to the tree; then from the filter to all children."""
        if self.screen.has_class("zoomed"):
            self.screen.remove_class("zoomed")
        else:
            self.query_one("#sought", Input).value = ""
            self.screen.remove_class("seeking")
        self.table.focus()

    def action_zoom(self) -> None:
        """The details over the whole screen, and back."""
        self.screen.toggle_class("zoomed")
        (self._details.body if self.screen.has_class("zoomed") else self.table).focus()

    def action_sort(self) -> None:
        """The next order."""
        self._arrangement.order = self._arrangement.order.next()
        self._said = Text(), 0.0
        self._draw()

    def action_page(self, number: int) -> None:
        """One of the pages of the details."""
        self._details.turn_to(PAGES[number - 1])
        self._draw_details()

    def action_turn(self, pages: int) -> None:
        """The page before, or the next."""
        self.action_page((PAGES.index(self._details.page) + pages) % len(PAGES) + 1)

    def action_events(self) -> None:
        """Show the events of the whole tree; those from before the screen began are asked for."""
        self.push_screen(EventScreen())
        history(self.path, self._from_thread(self._add_history))
        self._draw()

    def _add_history(self, events: tuple[EventRow, ...]) -> None:
        known = self._mirror.events
        older_and_newer = merged(events, tuple(known))
        known.clear()
        known.extend(older_and_newer)
        self._draw()

    def action_help(self) -> None:
        """All keys."""
        self.push_screen(Help())

    def action_colours(self) -> None:
        """The next colours."""
        self.theme = next_theme(self.theme)

    @property
    def _is_whole(self) -> bool:
        """Whether the parts of the screen are there; while it is taken down they are not."""
        screens = self.screen_stack
        return bool(screens) and all(screens[0].query(part) for part in (Headline, TreeTable, Details, "#said"))
