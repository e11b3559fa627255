"""The keys, and the screen that tells them all."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from otp.core.child import ChildState
from otp.tui.states import sign

__all__ = ("BAR", "Help")

BAR = (
    ("r", "restart"),
    ("s", "stop"),
    ("S", "start"),
    ("p", "pause"),
    ("x", "reset"),
    ("/", "filter"),
    ("o", "sort"),
    ("e", "events"),
    ("?", "help"),
    ("q", "quit"),
)
"""What the last line of the screen shows."""

_KEYS = (
    ("↑ ↓ j k PgUp PgDn Home End", "choose a child"),
    ("r", "restart it: stopped, waited for, started afresh; siblings as the strategy says"),
    ("s  S", "stop it and leave it down; start it when it is down"),
    ("p", "pause it (maintenance: no restarts, no alerts), or resume it when it is paused"),
    ("x", "reset: forget its streak and its budgets"),
    ("/", "filter: part of a path or of a state, or a pattern such as workers/*; Esc ends it"),
    ("o", "sort: tree, problems first, recently started, restarts, down"),
    ("1 … 5  ← →", "the pages of the details"),
    ("Tab  Enter", "scroll the details with the arrows; the details over the whole screen, and back"),
    ("e", "the events of the whole tree; d there: healthy operation too"),
    ("t", "colours: the terminal's own, for dark or light, or those of a theme"),
    ("q  Ctrl-C", "quit; the tree goes on"),
)

_COLUMNS = (
    ("CRASH MAN COL", "restarts: it ended by itself, somebody asked, a sibling or its supervisor was restarted"),
    ("STRK", "failures in a row; 0 (a dot) once it has been healthy"),
    ("DOWN", "time down all together"),
    ("USED", "restarts in the window of a supervisor, of how many it allows"),
)


class Help(ModalScreen[None]):
    """All keys, columns and signs."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll {
        width: 100; max-width: 100%; height: auto; max-height: 100%; padding: 0 1; border: round $primary;
        background: $surface; scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss(None)", "close")]

    def compose(self) -> ComposeResult:
        """One text."""
        with VerticalScroll():
            yield Static(_text())


def _text() -> Text:
    text = Text("otp top: a running tree, as it is now\n\n", "bold")
    for name, meaning in (*_KEYS, ("", ""), *_COLUMNS):
        text.append(f"{name:27}", "bold").append(f"{meaning}\n", "")
    text.append("\n")
    for state in ChildState:
        text.append(f"{sign(state)} {state}   ", "")
    return text.append("\n\nNothing is done before a dialog has shown what it touches. Esc closes this.", "dim")
