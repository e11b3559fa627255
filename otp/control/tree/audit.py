"""The audit: who did what to the tree, why, and what came of it; in the event log, and in the log."""

from otp.control.tree.event_log import EventLog
from otp.control.wire.commands import Acting, Drain, InjectFault, Pause, ResolveIncident
from otp.control.wire.peer import Peer
from otp.control.wire.rows import Change
from otp.observe.log import tell
from otp.observe.sanitize import clean
from otp.observe.sentences import Level

LONGEST_REASON = 200
"""Characters of a reason that are kept."""


class Audit:
    """Writes one entry for each child that a command acted on.

    Args:
        app: the id of the root.
        event_log: where the entries go.
    """

    def __init__(self, app: str, event_log: EventLog) -> None:
        self._app = app
        self._event_log = event_log

    def acted(self, peer: Peer, op: str, command: Acting, change: Change) -> None:
        """Note what a command did to one child."""
        outcome = change.message if change.error else _outcome(change)
        self._write(peer, op, command, change.path, outcome, failed=bool(change.error))

    def did(self, peer: Peer, op: str, command: Acting, path: str = "") -> None:
        """Note a command on something other than a child: an incident, or the whole tree."""
        self._write(peer, op, command, path or self._app, "", failed=False)

    def over(self, path: str) -> None:
        """Note that a maintenance has ended by itself."""
        text = "resumed: the time of its maintenance is over"
        self._event_log.note("maintenance.over", path, text)
        tell("INFO", path, text, event="maintenance.over")

    def _write(self, peer: Peer, op: str, command: Acting, path: str, outcome: str, *, failed: bool) -> None:
        verb = str(type(command).__struct_config__.tag)
        reason = one_line(command.reason)
        text = f"{verb}{_details(command)} by {peer}"
        text += f", {clean(outcome)}" if outcome else ""
        text += f"; reason: {reason}" if reason else ""
        text += f"  [op {one_line(op[:8])}]"
        level: Level = "WARNING" if failed else "INFO"
        self._event_log.note(f"operator.{verb}", path, text, level)
        tell(level, path, text, event=f"operator.{verb}", op=op, uid=peer.uid, pid=peer.pid)


def one_line(text: str) -> str:
    """A client's text as part of a log line: without control characters and secrets, and cut to `LONGEST_REASON`."""
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
