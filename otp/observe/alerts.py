"""Alerts: incidents as notifications to people, few of them.

An incident is notified once for each severity that it reaches, and once more when it is resolved. A failure that a restart
has dealt with is notified from the third one on, a failure under maintenance never. Beyond `per_minute` notifications in a
minute, the rest goes into one digest a minute. The text of an exception is sent only with `include_messages=True`, for mail
and chat leave the company.
"""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from otp.foreign.guard import CallFailed, Role, call
from otp.observe.failures import Outcome
from otp.observe.incident import Incident, IncidentChange, IncidentResolved
from otp.observe.log import tell
from otp.runtime.crash import describe

MINUTE = 60.0


class Severity(StrEnum):
    """How grave an incident is, least first."""

    RESOLVED = "resolved"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """How grave it is, from 0."""
        return list(Severity).index(self)


class Notification(Struct, frozen=True, kw_only=True):
    """One message to people.

    Attributes:
        severity: of the gravest incident in it.
        title: one line.
        body: a few lines.
        incidents: ids of the incidents in it.
    """

    severity: Severity
    title: str
    body: str
    incidents: tuple[str, ...]


_CRITICAL_VERDICTS = frozenset({"config_error", "fatal"})
_ERROR_VERDICTS = frozenset({"logic_bug", "unclassified"})  # a failure without a rule counts as a bug
_CRITICAL_OUTCOMES = frozenset({Outcome.FATAL, Outcome.GAVE_UP})
_ERROR_OUTCOMES = frozenset({Outcome.FAILED, Outcome.REFUSED})


def severity_of(incident: Incident) -> Severity:
    """Return the severity of an open incident, by its verdict and its worst outcome."""
    if incident.worst in _CRITICAL_OUTCOMES or incident.verdict in _CRITICAL_VERDICTS:
        return Severity.CRITICAL
    if incident.worst in _ERROR_OUTCOMES or incident.verdict in _ERROR_VERDICTS:
        return Severity.ERROR
    return Severity.WARNING


class Alerts:
    """A listener of `Incidents` that notifies people. It has no timer: its owner calls `tick`.

    Args:
        app: stands in each title.
        posts: functions that take a notification and return at once, as `Outbox.put` does.
        warn_after: failures of an incident before a warning is sent; an error is sent at the first.
        per_minute: notifications in a minute; those beyond go into a digest.
        include_messages: whether the redacted text of exceptions is sent.
    """

    lasting = True

    def __init__(
        self,
        app: str,
        posts: Iterable[Callable[[Notification], None]],
        *,
        warn_after: int = 3,
        per_minute: int = 5,
        include_messages: bool = False,
    ) -> None:
        self._app = app
        self._posts = tuple(posts)
        self._warn_after = warn_after
        self._per_minute = per_minute
        self._include_messages = include_messages
        self._notified: dict[str, Severity] = {}
        self._sent: deque[float] = deque()
        self._digest: dict[str, tuple[Severity, Incident]] = {}
        self._digest_at = 0.0
        self._raised: list[Callable[[Notification], None]] = []

    def __call__(self, change: IncidentChange) -> None:
        """Notify people of the change, if it is news."""
        incident = change.incident
        if isinstance(change, IncidentResolved):
            assert incident.resolved is not None
            if self._notified.pop(incident.id, None) is not None:
                self._notify(Severity.RESOLVED, incident, incident.resolved.at)
            return
        if incident.maintenance:
            return
        severity = severity_of(incident)
        notified = self._notified.get(incident.id, Severity.RESOLVED)
        if severity is Severity.WARNING and incident.count < self._warn_after:
            return
        if severity.rank > notified.rank:
            self._notified[incident.id] = severity
            self._notify(severity, incident, incident.last.at)

    def tick(self, now: float) -> None:
        """Send the digest when its minute is over; `now` is the tree's clock."""
        if self._digest and now >= self._digest_at:
            self._sent.append(now)
            self.flush()
            self._digest_at = now + MINUTE

    def flush(self) -> None:
        """Send the digest now, because the program ends."""
        if not self._digest:
            return
        entries, self._digest = tuple(self._digest.values()), {}
        self._post(_digest_of(self._app, entries))

    def _notify(self, severity: Severity, incident: Incident, now: float) -> None:
        while self._sent and self._sent[0] <= now - MINUTE:
            self._sent.popleft()
        if self._digest or len(self._sent) >= self._per_minute:
            if not self._digest:
                self._digest_at = max(self._digest_at, now + MINUTE)
            self._digest[incident.id] = severity, incident
            return
        self._sent.append(now)
        self._post(_notification_of(self._app, severity, incident, with_message=self._include_messages))

    def _post(self, notification: Notification) -> None:
        for post in self._posts:
            said = call(Role.SINK, "", post, notification)
            if type(said) is CallFailed:  # the other receivers are not affected
                if (interrupt := said.interrupt) is not None:
                    raise interrupt
                self._has_raised(post, said)

    def _has_raised(self, post: Callable[[Notification], None], failure: CallFailed) -> None:
        if post not in self._raised:
            self._raised.append(post)
            tell("ERROR", self._app, f"alerts: {failure.name} raised, which is said once: {describe(failure.error)}")


_LISTED = 20
"""Incidents that a digest names."""


def _notification_of(app: str, severity: Severity, incident: Incident, *, with_message: bool) -> Notification:
    kind = incident.type.rpartition(".")[2]
    lines = [
        f"incident {incident.id}{', injected' if incident.injected else ''}",
        f"child    {incident.path}",
        f"failure  {incident.type}{f' ({incident.verdict})' if incident.verdict else ''}",
        f"count    {incident.count}, the gravest that followed: {incident.worst.replace('_', ' ')}",
        f"opened   {_clock(incident.opened.wall)}",
        f"last     {_clock(incident.last.wall)}",
        f"down     {incident.downtime:.1f} s{' so far' if incident.resolved is None else ''}",
    ]
    if incident.resolved is not None:
        lines.append(f"resolved {_clock(incident.resolved.wall)}")
    if with_message and incident.message:
        lines.append(f"message  {incident.message}")
    title = f"[{severity}] {app}: {incident.path} {kind}"
    return Notification(severity=severity, title=title, body="\n".join(lines), incidents=(incident.id,))


def _digest_of(app: str, entries: tuple[tuple[Severity, Incident], ...]) -> Notification:
    gravest_first = sorted(entries, key=lambda entry: -entry[0].rank)
    counts = {severity: sum(one is severity for one, _ in entries) for severity in reversed(Severity)}
    summary = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
    lines = [
        f"{severity:8}  {incident.id}  {incident.path}  {incident.type.rpartition('.')[2]}  ×{incident.count}"
        for severity, incident in gravest_first[:_LISTED]
    ]
    if len(entries) > _LISTED:
        lines.append(f"… and {len(entries) - _LISTED} more")
    severity = gravest_first[0][0]
    return Notification(
        severity=severity,
        title=f"[{severity}] {app}: {len(entries)} more incidents ({summary})",
        body="\n".join(lines),
        incidents=tuple(incident.id for _, incident in entries),
    )


def _clock(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
