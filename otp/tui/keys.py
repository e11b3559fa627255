"""The keys, and the screen that lists them."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from otp.control.wire.looks import STATES

SHOWN = (
    Binding("r", "act('restart')", "restart"),
    Binding("s", "act('stop')", "stop"),
    Binding("S", "act('start')", "start"),
    Binding("p", "pause", "pause"),
    Binding("x", "act('reset')", "reset"),
    Binding("slash", "seek", "filter", key_display="/"),
    Binding("o", "sort", "sort"),
    Binding("e", "events", "events"),
    Binding("question_mark", "help", "help", key_display="?"),
    Binding("q", "quit", "quit"),
)
"""The keys of the screen that its last line names."""

_KEYS = (
    ("↑ ↓ PgUp PgDn", "choose a child; also j k, Home End"),
    ("r", "restart it, and the siblings that go with it"),
    ("s  S", "stop it and leave it down; start it"),
    ("p", "pause it: no restarts, no alerts; or resume it"),
    ("x", "reset it: forget its streak and its budgets"),
    ("/", "filter: part of a path or state, or workers/*"),
    ("Esc", "end the filter"),
    ("o", "sort: tree, problems, recent, restarts, down"),
    ("1 … 5  ← →", "the pages of the details"),
    ("Tab", "scroll the details with the arrows"),
    ("Enter", "the details on the whole screen, and back"),
    ("e", "the events of the whole tree"),
    ("t", "colours: of the terminal (dark, light), or own"),
    ("q", "quit; the tree goes on"),
)

_COLUMNS = (
    ("CRASH", "restarts because it ended by itself"),
    ("MAN", "restarts that somebody asked for"),
    ("COL", "restarts with a sibling or a supervisor"),
    ("STRK", "failures in a row, until it is healthy"),
    ("DOWN", "time down all together"),
    ("USED", "restarts in the window, of how many allowed"),
)


class Help(ModalScreen[None]):
    """All keys, columns and signs."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll {
        width: 66; max-width: 100%; height: auto; max-height: 100%; padding: 0 1; border: round $primary;
        background: $surface; scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss(None)", "close")]

    def compose(self) -> ComposeResult:
        """One text."""
        with VerticalScroll():
            yield Static(_text())


def bar() -> Text:
    """The last line of the screen; it fits into 80 characters."""
    text = Text(no_wrap=True)
    for key in SHOWN:
        text.append(key.key_display or key.key, "bold reverse").append(f" {key.description} ", "")
    return text


def _text() -> Text:
    text = Text()
    for name, meaning in (*_KEYS, ("", ""), *_COLUMNS):
        text.append(f"{name:15}", "bold").append(f"{meaning}\n", "")
    text.append("\n")
    for state, look in STATES.items():
        text.append(f"{look.sign} {state}   ", "")
    return text.append("\n\nNothing is done before a dialog has shown what it touches. Esc closes this.", "dim")
