"""The dialog before a command: what it touches, what it leaves alone, and the reason; and the line after it."""

from typing import ClassVar

from msgspec.structs import replace
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from otp.control.wire.commands import Pause, Reset, Restart, Resume, Start, Stop
from otp.control.wire.looks import Tone
from otp.control.wire.protocol import Acted
from otp.control.wire.rows import Change
from otp.text.durations import parse_duration, short
from otp.text.printable import printable
from otp.tui.colours import STYLES
from otp.tui.label import on_one_line
from otp.tui.requests import Action, Outcome

SHOWN = 8
"""Paths of the radius that are listed; the rest is counted."""

OP = 8
"""Characters of a command's id that are enough to find it in the audit."""

_MEANINGS: dict[type[Action], str] = {
    Restart: "stop it, wait until it is gone, start it afresh; counted as manual, costs no budget",
    Stop: "stop it, and leave it down",
    Start: "start it",
    Reset: "forget its streak and its budgets",
    Pause: "maintenance: no restarts, no alerts",
    Resume: "end the maintenance; what ended meanwhile is started",
}


class Confirm(ModalScreen[Action | None]):
    """The dialog; its result is what is to be done, with the reason, or None.

    Args:
        wanted: what is to be done.
        rehearsed: the server's answer to its dry run.
    """

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical {
        width: 72; max-width: 96%; height: auto; max-height: 96%; padding: 0 1; border: round $primary;
        background: $surface;
    }
    Confirm Static { height: auto; }
    Confirm Input, Confirm Input:focus {
        border: none; border-bottom: solid $primary; padding: 0; height: 2; background: $surface;
    }
    Confirm .label { text-style: dim; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "cancel")]

    def __init__(self, wanted: Action, rehearsed: Acted) -> None:
        super().__init__()
        self._wanted = wanted
        self._rehearsed = rehearsed

    def compose(self) -> ComposeResult:
        """The question, and what an answer needs."""
        with Vertical():
            yield Static(on_one_line(Text(f"{type(self._wanted).__name__.lower()} {self._wanted.path}?", "bold")))
            yield Static(_MEANINGS[type(self._wanted)], classes="label")
            yield Static(radius(self._rehearsed))
            if isinstance(self._wanted, Pause):
                yield Static("for how long, as 10m or 1h30m; empty: until somebody resumes", classes="label")
                yield Input(id="seconds")
            yield Static("reason, for the audit", classes="label")
            yield Input(id="reason", max_length=500)
            yield Static(id="wrong")
            yield Static(Text.assemble(("Enter", "bold"), " do it    ", ("Esc", "bold"), " leave it"))

    def on_mount(self) -> None:
        """The reason is what one types first; for how long comes before it where it is asked."""
        self.query(Input).first().focus()

    def on_input_submitted(self) -> None:
        """Enter in any field confirms."""
        try:
            self.dismiss(self._complete())
        except ValueError as wrong:
            self.query_one("#wrong", Static).update(Text(str(wrong), STYLES[Tone.BAD]))

    def _complete(self) -> Action:
        reason = self.query_one("#reason", Input).value.strip()
        complete = replace(self._wanted, dry_run=False, reason=reason)
        if isinstance(complete, Pause):
            seconds = self.query_one("#seconds", Input).value.strip()
            return replace(complete, seconds=parse_duration(seconds) if seconds else None)
        return complete


def radius(rehearsed: Acted) -> Text:
    """List what a command touches, a path a line, and count what it does not."""
    touched = list(dict.fromkeys(path for change in rehearsed.changes for path in change.radius))
    text = Text("touches ", end="")
    text.append(f"{len(touched)} of {len(touched) + rehearsed.untouched}", "bold")
    text.append(f", {rehearsed.untouched} untouched", "")
    for path in touched[:SHOWN]:
        text.append(f"\n  {printable(path)}", "bold")
    if len(touched) > SHOWN:
        text.append(f"\n  … and {len(touched) - SHOWN} more", "")
    for sentence in dict.fromkeys(each for change in rehearsed.changes for each in change.could_follow):
        text.append(f"\n{printable(sentence)}", "dim")
    for change in rehearsed.changes:
        if change.message:
            text.append(f"\n! {printable(change.message)}", STYLES[Tone.WAITING])
    return text


# ------------------------------------------------------------------------------------------------ and after


def result(outcome: Outcome) -> Text:
    """`✓ restart massive/workers/ws_worker: running in 0.1s  (op 01K9…)`, or `✗ …` and why not."""
    if isinstance(outcome.answer, str):
        return refused(outcome)
    text = Text()
    for change in outcome.answer.changes:
        text.append_text(_change(type(outcome.command).__name__.lower(), change))
    return text.append(f"  (op {printable(outcome.answer.op[:OP])})", "dim")


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else short(seconds)


def refused(outcome: Outcome) -> Text:
    """Say why nothing was done."""
    what = f"{type(outcome.command).__name__.lower()} {outcome.command.path}"
    return Text(printable(f"✗ {what}: {outcome.answer}"), STYLES[Tone.BAD])


def _change(verb: str, change: Change) -> Text:
    if change.error:
        return Text(printable(f"✗ {verb} {change.path}: {change.error}: {change.message}"), STYLES[Tone.BAD])
    message = f"; {change.message}" if change.message else ""
    return Text(
        printable(f"✓ {verb} {change.path}: {change.after} in {_time(change.took_s)}{message}"),
        f"bold {STYLES[Tone.GOOD]}",
    )
