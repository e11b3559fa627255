"""A tree as rows: what its handle, its history and its incidents know, put side by side."""

import os
import time
from collections.abc import Callable, Iterable, Iterator

import anyio
from msgspec.structs import replace

from otp.control.maintenance import Maintenance
from otp.control.rows import (
    Blocked,
    ChildRow,
    FailureRow,
    Health,
    IncidentRow,
    NeedRow,
    Snapshot,
    TreeState,
)
from otp.core.child import ChildState
from otp.core.plan import Phase
from otp.errors import NoProc, NotFound, RequestError
from otp.observe.figures import ChildHistory
from otp.observe.incident import Incident
from otp.observe.observation import Observation
from otp.runtime.handle import Supervisor
from otp.runtime.inspect import ChildInfo
from otp.spec import SupervisorSpec

__all__ = ("AT_ONCE", "View", "health_of", "incident_row")

AT_ONCE = 500
"""Children that are looked at before others get a turn of the event loop."""

_PHASES: dict[Phase, TreeState] = {
    Phase.NEW: "starting",
    Phase.STARTING: "starting",
    Phase.STOPPING: "stopping",
    Phase.DONE: "stopped",
}


class View:
    """Looks at one tree, in its event loop.

    Args:
        handle: of its root.
        seen: its history and its incidents.
        maintenance: what is under maintenance.
        lag: how late the event loop turned at the worst lately, in seconds; None: nobody watches.
        version: of otp.
        backend: of the event loop.
        faults: whether faults may be injected.
    """

    def __init__(
        self,
        handle: Supervisor,
        seen: Observation,
        maintenance: Maintenance,
        *,
        lag: Callable[[], float | None],
        version: str,
        backend: str,
        faults: bool,
    ) -> None:
        self.handle = handle
        self.app = handle.path
        self.seen = seen
        self._maintenance = maintenance
        self._lag = lag
        self._version = version
        self._backend = backend
        self._faults = faults
        self._begun = anyio.current_time()
        self._down: set[str] = set()

    @property
    def state(self) -> TreeState:
        """Of the tree, as far as its children have been looked at: by a snapshot, and since then by `rows`."""
        phase = self.handle.phase
        if phase is not Phase.UP:
            return _PHASES[phase]
        return "degraded" if self._down else "up"

    @property
    def open_incidents(self) -> int:
        """How many."""
        return len(self.seen.incidents.open())

    async def snapshot(self, seq: int) -> Snapshot:
        """The whole tree. Others get a turn between, so a row may be newer than another.

        Raises:
            NoProc: the tree has ended.
        """
        now = anyio.current_time()
        open_ids = self._open_ids()
        rows: list[ChildRow] = []
        for number, info in enumerate(tuple(self.handle.walk(remembered=True)), 1):
            rows.append(self.row(info, now, open_ids.get(info.path, "")))
            if number % AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
        self._down = {row.path for row in rows if not row.ready and self._is_down(row.path)}
        return Snapshot(
            seq=seq,
            app=self.app,
            pid=os.getpid(),
            version=self._version,
            backend=self._backend,
            wall=time.time(),
            up_s=now - self._begun,
            state=self.state,
            lag_s=self._lag(),
            blocked=None,
            faults=self._faults,
            root=self.root(),
            children=tuple(rows),
            needs=self.needs(),
            open_incidents=len(open_ids),
        )

    def rows(self, paths: Iterable[str]) -> tuple[dict[str, ChildRow], set[str]]:
        """The children at these paths, and the paths at which there is none any more."""
        wanted = set(paths)
        now = anyio.current_time()
        open_ids = self._open_ids()
        found = {}
        for path in wanted:
            info = self.info(path)
            if info is not None:
                found[path] = self.row(info, now, open_ids.get(path, ""))
        self._down -= wanted
        self._down |= {path for path, row in found.items() if not row.ready}
        return found, wanted - set(found)

    def all_rows(self) -> list[ChildRow]:
        """The root, and all others in start order."""
        now = anyio.current_time()
        open_ids = self._open_ids()
        children = self.handle.walk(remembered=True)
        return [self.root(), *(self.row(info, now, open_ids.get(info.path, "")) for info in children)]

    def info(self, path: str) -> ChildInfo | None:
        """The child at this path, from the root's id on; None if there is none just now."""
        try:
            return self.handle.child(path.removeprefix(f"{self.app}/"))
        except NotFound:
            return None
        except NoProc:  # a supervisor above is down, and may come back
            return next((info for info in self.handle.walk(remembered=True) if info.path == path), None)

    def row(self, info: ChildInfo, now: float, incident: str) -> ChildRow:
        """A child as a row."""
        past = self.seen.history.child(info.path, now)
        failure = past.last[-1] if past is not None and past.last else None
        row = ChildRow(
            path=info.path,
            kind=info.kind,
            state=str(info.state),
            ready=is_ready(info),
            restart=str(info.restart),
            generation=info.generation,
            up_s=info.up,
            crashes=info.crashes,
            manual=info.manual,
            collateral=info.collateral,
            streak=info.streak,
            next_retry_s=info.next_retry,
            down_s=past.down if past is not None else None,
            downtime_s=past.downtime if past is not None else info.downtime,
            availability=past.availability if past is not None else None,
            mtbf_s=past.mtbf if past is not None else None,
            verdict=info.verdict,
            last_cause=failure.text if failure is not None else "",
            last_wall=_wall(failure.at, now) if failure is not None else None,
            incident=incident,
            paused=info.paused,
            paused_s=self._maintenance.left(info.path, now) if info.paused else None,
        )
        return row if info.kind == "worker" else self._with_budget(row)

    def root(self) -> ChildRow:
        """The root as a row; nobody restarts it, and it is down only with the process."""
        phase, spec = self.handle.phase, self.handle.spec
        now = anyio.current_time()
        past = self.seen.history.child(self.app, now)
        budget = self.handle.budget()
        paused_s = self._maintenance.left(self.app, now)
        state = {Phase.UP: "running", Phase.NEW: "pending", Phase.DONE: "stopped"}.get(phase, str(phase))
        return ChildRow(
            path=self.app,
            kind="supervisor",
            state=state,
            ready=phase is Phase.UP,
            restart="",
            generation=1,
            up_s=past.up if past is not None else None,
            crashes=0,
            manual=0,
            collateral=0,
            streak=0,
            next_retry_s=None,
            down_s=None,
            downtime_s=0.0,
            availability=None,
            mtbf_s=None,
            verdict="",
            last_cause="",
            last_wall=None,
            incident="",
            paused=self._maintenance.holds(self.app),
            paused_s=paused_s,
            strategy=_strategy(spec),
            used=budget.used,
            intensity=budget.intensity,
            period_s=budget.period,
        )

    def needs(self) -> tuple[NeedRow, ...]:
        """What children need and has been down."""
        return tuple(
            NeedRow(
                path=one.path,
                name=one.dependency,
                down_s=one.down,
                outages=one.outages,
                downtime_s=one.downtime,
                last=one.last,
            )
            for one in self.seen.history.dependencies(anyio.current_time())
        )

    def failures(self, path: str) -> tuple[FailureRow, ...]:
        """The last failures of a child, oldest first."""
        now = anyio.current_time()
        past: ChildHistory | None = self.seen.history.child(path, now)
        return tuple(
            FailureRow(
                wall=_wall(one.at, now), outcome=one.outcome, verdict=one.verdict, text=one.text, frame=one.frame
            )
            for one in (past.last if past is not None else ())
        )

    def _is_down(self, path: str) -> bool:
        """Still: it may have come up while the rest was looked at."""
        info = self.info(path)
        return info is not None and not is_ready(info)

    def _with_budget(self, row: ChildRow) -> ChildRow:
        path = row.path.removeprefix(f"{self.app}/")
        try:
            budget, spec = self.handle.budget(path), self.handle.get_childspec(path)
        except RequestError:  # it is down, and has no window
            return row
        assert isinstance(spec, SupervisorSpec)
        return replace(
            row, strategy=_strategy(spec), used=budget.used, intensity=budget.intensity, period_s=budget.period
        )

    def _open_ids(self) -> dict[str, str]:
        return {incident.path: incident.id for incident in self.seen.incidents.open()}


def is_ready(info: ChildInfo) -> bool:
    """Whether a child is up, or has ended for good as it was meant to."""
    return info.state in (ChildState.RUNNING, ChildState.DONE)


def incident_row(incident: Incident, now: float) -> IncidentRow:
    """An incident as a row, at the time `now` of the tree's clock."""
    down = now - incident.down_since if incident.down_since is not None else 0.0
    return IncidentRow(
        id=incident.id,
        path=incident.path,
        state=incident.state,
        count=incident.count,
        cause=incident.type,
        message=incident.message,
        frame=incident.frame,
        fingerprint=incident.fingerprint,
        verdict=incident.verdict,
        worst=str(incident.worst),
        opened_wall=incident.opened.wall,
        last_wall=incident.last.wall,
        resolved_wall=incident.resolved.wall if incident.resolved is not None else None,
        downtime_s=incident.downtime + down,
        injected=incident.injected,
        maintenance=incident.maintenance,
    )


def health_of(snapshot: Snapshot) -> Health:
    """Whether all is well in a tree that looks like this."""
    children = snapshot.children
    refused = any(child.state == ChildState.REFUSED for child in children)
    return Health(
        app=snapshot.app,
        state=snapshot.state,
        live=snapshot.blocked is None and not refused and snapshot.state != "stopped",
        ready=snapshot.blocked is None and snapshot.state in ("up", "degraded"),
        up=sum(child.ready for child in children),
        total=len(children),
        problems=tuple(_problems(snapshot)),
    )


def _problems(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.blocked is not None:
        yield _blocked(snapshot.blocked)
    if snapshot.state not in ("up", "degraded"):
        yield f"{snapshot.app} is {snapshot.state}"
    for need in snapshot.needs:
        if need.down_s is not None:
            yield f"{need.path} needs {need.name}, which is down since {need.down_s:.0f} s: {need.last}"
    down = {child.path: child for child in snapshot.children if not child.ready}
    for path, child in down.items():
        if not any(above in down for above in _above(path)):
            yield _down(child)


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _blocked(blocked: Blocked) -> str:
    where = f", at {blocked.stack[-1]}" if blocked.stack else ""
    return f"the event loop has not turned for {blocked.seconds:.1f} s: {blocked.path} keeps it{where}"


def _down(child: ChildRow) -> str:
    text = f"{child.path} is {child.state}"
    if child.next_retry_s is not None:
        text += f", next try in {child.next_retry_s:.1f} s"
    return f"{text}: {child.last_cause}" if child.last_cause else text


def _strategy(spec: SupervisorSpec) -> str:
    return "dynamic" if spec.dynamic else spec.strategy.value


def _wall(at: float, now: float) -> float:
    return time.time() - (now - at)
