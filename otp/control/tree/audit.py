"""The audit: who did what to the tree, why, and what came of it; in the timeline, and in the log."""

from otp.control.tree.event_log import Timeline
from otp.control.wire.peer import Peer
from otp.control.wire.protocol import Acting, Drain, InjectFault, Pause, ResolveIncident
from otp.control.wire.rows import Change
from otp.observe.log import tell
from otp.observe.sanitize import clean
from otp.observe.sentences import Level

__all__ = ("Audit",)

LONGEST_REASON = 200
"""Characters of a reason that are kept."""


class Audit:
    """Writes one entry for each child that an acting command was about.

    Args:
        app: the id of the root.
        timeline: where the entries go.
    """

    def __init__(self, app: str, timeline: Timeline) -> None:
        self._app = app
        self._timeline = timeline

    def acted(self, peer: Peer, op: str, command: Acting, change: Change) -> None:
        """What a command did to one child."""
        outcome = change.message if change.error else _outcome(change)
        self._write(peer, op, command, change.path, outcome, failed=bool(change.error))

    def did(self, peer: Peer, op: str, command: Acting, path: str = "") -> None:
        """A command on something that is no child: an incident, or the whole tree."""
        self._write(peer, op, command, path or self._app, "", failed=False)

    def over(self, path: str) -> None:
        """A maintenance has ended by itself."""
        text = "resumed: the time of its maintenance is over"
        self._timeline.note("maintenance.over", path, text)
        tell("INFO", path, text, event="maintenance.over")

    def _write(self, peer: Peer, op: str, command: Acting, path: str, outcome: str, *, failed: bool) -> None:
        verb = str(type(command).__struct_config__.tag)
        reason = one_line(command.reason)
        text = f"{verb}{_details(command)} by {peer}"
        text += f", {clean(outcome)}" if outcome else ""
        text += f"; reason: {reason}" if reason else ""
        text += f"  [op {one_line(op[:8])}]"
        level: Level = "WARNING" if failed else "INFO"
        self._timeline.note(f"operator.{verb}", path, text, level)
        tell(level, path, text, event=f"operator.{verb}", op=op, uid=peer.uid, pid=peer.pid)


def one_line(text: str) -> str:
    """What somebody wrote, fit for a line of a log: no control characters, no secrets, not endless."""
    return clean(text, LONGEST_REASON).strip()


def _outcome(change: Change) -> str:
    states = change.before if change.before == change.after else f"{change.before} → {change.after}"
    return f"{states} in {change.took_s * 1_000:.0f} ms"


def _details(command: Acting) -> str:
    match command:
        case Pause(seconds=seconds) if seconds is not None:
            return f" for {seconds:g} s"
        case InjectFault(kind=kind, times=times, seconds=seconds):
            return f" {kind}{f' {times} times' if times else ''} within {seconds:g} s"
        case ResolveIncident(incident=incident):
            return f" {one_line(incident)}"
        case Drain(seconds=seconds) if seconds is not None:
            return f" within {seconds:g} s"
        case _:
            return ""
