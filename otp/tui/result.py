"""What came of a command, in a line or two."""

from rich.text import Text

from otp.control.wire.rows import Change
from otp.text.durations import short
from otp.text.printable import printable
from otp.tui.questions import Outcome

__all__ = ("refused", "result")

OP = 8
"""Characters of a command's id that are enough to find it in the audit."""


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
    """Why nothing was done."""
    what = f"{type(outcome.command).__name__.lower()} {outcome.command.path}"
    return Text(printable(f"✗ {what}: {outcome.answer}"), "bold red")


def _change(verb: str, change: Change) -> Text:
    if change.error:
        return Text(printable(f"✗ {verb} {change.path}: {change.error}: {change.message}"), "bold red")
    message = f"; {change.message}" if change.message else ""
    return Text(printable(f"✓ {verb} {change.path}: {change.after} in {_time(change.took_s)}{message}"), "bold green")
