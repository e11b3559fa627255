"""Incidents: failures of one kind of one child, from the first one until the child is healthy again.

The first failure of a kind, its fingerprint, opens an incident; later ones are added to it. It is resolved when the child
has been up for `healthy_after` seconds of its policy. While the child is parked or stays down for another reason, the
incident is open, until a request starts the child or resolves the incident. A temporary child is not expected back: its
incident is resolved after `healthy_after` seconds without a failure. Restarts by request or along with a sibling open none.
A failure under maintenance opens an incident, too, or is added to one, and marks it.
"""

import math
import time
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from otp.core.paths import is_within
from otp.events import ChildIgnored, ChildReplaced, ChildStarted, Event, SupervisorExited
from otp.exits import Crashed
from otp.foreign.guard import CallFailed, Role, call
from otp.observe.failures import Failure, Outcome, cause_of, failure
from otp.observe.incident import (
    Ids,
    Incident,
    IncidentChange,
    IncidentListener,
    IncidentOpened,
    IncidentResolved,
    IncidentUpdated,
    Moment,
    fingerprint_of,
)
from otp.observe.logger import logger
from otp.runtime.crash import describe

LIMIT = 1_000
"""Incidents that are kept; beyond that the oldest resolved ones are forgotten, then the oldest open ones."""

_QUIET = (Outcome.LEFT, Outcome.NOT_STARTED)
"""After these the child may rightly stay down: its incidents are resolved when no more failures follow."""

_STAYS = (Outcome.LEFT, Outcome.REFUSED)
"""These begin no outage: the child is not expected to be up, or still runs."""


class _Life:
    """A child with open incidents.

    Attributes:
        open: ids of its open incidents by fingerprint.
        calm_since: when it came up again, or ended without being expected back; None while it is down.
        down_over: id of the incident whose failure took it down, while it is down.
        healthy_after: seconds of calm after which its incidents are resolved.
    """

    def __init__(self, healthy_after: float) -> None:
        self.open: dict[str, str] = {}
        self.calm_since: float | None = None
        self.down_over: str | None = None
        self.healthy_after = healthy_after


class Incidents:
    """An event hook that keeps the incidents of one tree. It has no timer: its owner calls `tick` regularly.

    Args:
        listeners: called with each change, in order. One that raises is called no more, unless it has `lasting = True`.
        healthy_after: seconds after which the incidents of any child are resolved; None: as the child's policy says.
        limit: incidents that are kept.
        wall: the wall clock, in seconds since 1970.

    Attributes:
        opened: incidents so far.
    """

    lasting = True

    def __init__(
        self,
        listeners: Iterable[IncidentListener] = (),
        *,
        healthy_after: float | None = None,
        limit: int = LIMIT,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.opened = 0
        self._listeners = list(listeners)
        self._healthy_after = healthy_after
        self._limit = limit
        self._wall = wall
        self._ids = Ids()
        self._incidents: dict[str, Incident] = {}
        self._resolved: dict[str, None] = {}
        self._lives: dict[str, _Life] = {}
        self._injecting: dict[str, float] = {}
        self._next_over = math.inf

    def __call__(self, event: Event) -> None:
        """Take note of the event."""
        self.tick(event.at)
        failed = failure(event)
        if failed is not None:
            self._failed(failed)
        elif isinstance(event, ChildStarted | ChildIgnored):
            self._started(event)
        elif isinstance(event, ChildReplaced):
            self._replaced(event)
        elif isinstance(event, SupervisorExited) and "/" not in event.path and isinstance(event.exit, Crashed):
            self._tree_is_down()

    # ------------------------------------------------------------------------------------------------ queries and actions

    def listen(self, listener: IncidentListener) -> None:
        """Call `listener` with each change from now on."""
        self._listeners.append(listener)

    def all(self) -> tuple[Incident, ...]:
        """Return all incidents that are kept, in the order of their opening."""
        return tuple(self._incidents.values())

    def open(self) -> tuple[Incident, ...]:
        """Return the incidents that are not resolved."""
        return tuple(incident for incident in self.all() if incident.state == "open")

    def tick(self, now: float) -> None:
        """Resolve the incidents of children that are healthy at the time `now`, on the tree's clock."""
        if now < self._next_over:
            return
        self._next_over = math.inf
        for path, life in tuple(self._lives.items()):
            if life.calm_since is None:
                continue
            over = life.calm_since + self._until_healthy(life)
            if now < over:
                self._next_over = min(self._next_over, over)
                continue
            del self._lives[path]
            for id in life.open.values():
                self._resolve(id, Moment(over, self._wall() - (now - over)))

    def resolve(self, id: str, now: float) -> bool:
        """Resolve an incident by request; return whether there was one to resolve."""
        incident = self._incidents.get(id)
        if incident is None or incident.state == "resolved":
            return False
        self._stop_tracking(incident)
        self._resolve(id, Moment(now, self._wall()))
        return True

    def injecting(self, path: str, until: float) -> None:
        """Mark failures at `path` and below as injected, until the time `until` on the tree's clock."""
        self._injecting[path] = until

    # ------------------------------------------------------------------------------------------------ events

    def _failed(self, failure: Failure) -> None:
        if failure.echo_of:
            self._expected_back(failure.path)
            return
        self._make_room()
        life = self._lives.setdefault(failure.path, _Life(failure.healthy_after))
        self._set_calm(life, failure.at if failure.outcome in _QUIET else None)
        kind = cause_of(failure.exit)
        fingerprint = fingerprint_of(failure.path, kind)
        goes_down = life.down_over is None and failure.outcome not in _STAYS
        if fingerprint in life.open:
            self._again(self._incidents[life.open[fingerprint]], failure, goes_down=goes_down)
        else:
            life.open[fingerprint] = self._open(failure, kind[0], fingerprint, goes_down=goes_down)
        if goes_down:
            life.down_over = life.open[fingerprint]

    def _set_calm(self, life: _Life, since: float | None) -> None:
        life.calm_since = since
        if since is not None:
            self._next_over = min(self._next_over, since + self._until_healthy(life))

    def _until_healthy(self, life: _Life) -> float:
        return life.healthy_after if self._healthy_after is None else self._healthy_after

    def _expected_back(self, supervisor: str) -> None:
        """The supervisor restarts, and its children come back with it: keep their incidents open."""
        for path, life in self._lives.items():
            if is_within(path, supervisor) and life.down_over is not None:
                life.calm_since = None

    def _started(self, event: ChildStarted | ChildIgnored) -> None:
        life = self._lives.get(event.path)
        if life is None:
            return
        if isinstance(event, ChildStarted):
            life.healthy_after = event.healthy_after
        self._set_calm(life, event.at)
        down_over, life.down_over = life.down_over, None
        if down_over is not None:
            incident = self._incidents[down_over]
            measured = event.downtime if isinstance(event, ChildStarted) else None
            lasted = event.at - (incident.down_since or event.at) if measured is None else measured
            self._change(IncidentUpdated, incident, downtime=incident.downtime + lasted, down_since=None)

    def _replaced(self, event: ChildReplaced) -> None:
        life = self._lives.get(event.path)
        if life is not None:
            life.healthy_after = event.healthy_after
            self._set_calm(life, life.calm_since)

    def _tree_is_down(self) -> None:
        """The root has ended: the last failure gets the outcome, as no supervisor is left that could tell it."""
        incident = max(self.open(), key=lambda one: (one.last.at, one.id), default=None)
        if incident is not None and incident.worst.rank < Outcome.GAVE_UP.rank:
            self._lives[incident.path].calm_since = None
            self._change(IncidentUpdated, incident, worst=Outcome.GAVE_UP)

    # ------------------------------------------------------------------------------------------------ incidents

    def _open(self, failure: Failure, kind: str, fingerprint: str, *, goes_down: bool) -> str:
        wall = self._wall()
        now = Moment(failure.at, wall)
        incident = Incident(
            id=self._ids.next(wall),
            path=failure.path,
            fingerprint=fingerprint,
            type=kind,
            message=_message(failure),
            frame=failure.frame,
            verdict=failure.verdict,
            worst=failure.outcome,
            count=1,
            opened=now,
            last=now,
            down_since=failure.at if goes_down else None,
            injected=self._is_injected(failure),
            maintenance=failure.paused,
        )
        self._incidents[incident.id] = incident
        self.opened += 1
        self._notify(IncidentOpened(incident))
        return incident.id

    def _again(self, incident: Incident, failure: Failure, *, goes_down: bool) -> None:
        """Add a failure to its incident; a decision about a failed start, which was counted, only changes the outcome."""
        graver = failure.outcome.rank > incident.worst.rank or incident.worst is Outcome.NOT_STARTED
        self._change(
            IncidentUpdated,
            incident,
            message=_message(failure),
            frame=failure.frame,
            verdict=failure.verdict or incident.verdict,
            worst=failure.outcome if graver else incident.worst,
            count=incident.count + (not failure.again),
            last=Moment(failure.at, self._wall()),
            down_since=failure.at if goes_down else incident.down_since,
            injected=incident.injected and self._is_injected(failure),
            maintenance=failure.paused,
        )

    def _resolve(self, id: str, when: Moment) -> None:
        self._resolved[id] = None
        self._change(IncidentResolved, self._incidents[id], state="resolved", resolved=when, down_since=None)

    def _change(self, kind: type[IncidentUpdated | IncidentResolved], incident: Incident, **fields: object) -> None:
        changed = replace(incident, revision=incident.revision + 1, **fields)
        self._incidents[incident.id] = changed
        self._notify(kind(changed))

    def _make_room(self) -> None:
        while len(self._incidents) >= self._limit:
            oldest = next(iter(self._resolved), None)
            if oldest is None:
                oldest = next(iter(self._incidents))
                self._stop_tracking(self._incidents[oldest])
            self._resolved.pop(oldest, None)
            del self._incidents[oldest]

    def _stop_tracking(self, incident: Incident) -> None:
        """Stop tracking the recovery of its child for this incident."""
        life = self._lives[incident.path]
        life.open.pop(incident.fingerprint, None)
        if life.down_over == incident.id:
            life.down_over = None
        if not life.open:
            del self._lives[incident.path]

    def _is_injected(self, failure: Failure) -> bool:
        self._injecting = {path: until for path, until in self._injecting.items() if until > failure.at}
        return any(is_within(failure.path, path) for path in self._injecting)

    def _notify(self, change: IncidentChange) -> None:
        for listener in tuple(self._listeners):
            said = call(Role.LISTENER, "", listener, change)
            if type(said) is CallFailed:  # the incident and the other listeners are not affected
                self._listener_failed(listener, said)

    def _listener_failed(self, listener: IncidentListener, failure: CallFailed) -> None:
        if (interrupt := failure.interrupt) is not None:
            raise interrupt
        if call(Role.LISTENER, "", getattr, listener, "lasting", False) is True:
            then = "is told of the next one"
        else:
            then = "is told no more"
            self._listeners = [one for one in self._listeners if one is not listener]
        logger.error("incident listener {} raised and {}: {}", failure.name, then, describe(failure.error))


def _message(failure: Failure) -> str:
    crash = failure.crash
    if crash is None:
        return ""
    return str(crash) if crash.leaves else crash.message
