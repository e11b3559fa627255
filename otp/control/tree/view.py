"""A tree as rows: what its handle, its history and its incidents know, put side by side."""

import os
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

import anyio
from msgspec.structs import replace

from otp.control.tree.maintenance import Maintenance
from otp.control.wire.rows import (
    ChildRow,
    FailureRow,
    IncidentRow,
    NeedRow,
    Snapshot,
    TreeState,
)
from otp.control.wire.targets import Node, Target, decided
from otp.core.child import ChildState
from otp.core.paths import is_within
from otp.core.plan import Phase
from otp.errors import NoProc, NotFound, RequestError
from otp.observe.incident import Incident
from otp.observe.observation import Observation
from otp.observe.snapshots import ChildHistory
from otp.runtime.handle import Supervisor
from otp.runtime.inspect import ChildInfo
from otp.spec import SupervisorSpec

__all__ = ("AT_ONCE", "View", "incident_row")

AT_ONCE = 50
"""Children that are looked at before others get a turn of the event loop: less than a millisecond."""

ONE_BY_ONE = 20
"""Paths that are looked up; for more of them it is cheaper to walk through the tree once."""

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
        self._spec = handle.spec
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
    def has_ended(self) -> bool:
        """Whether there is no tree any more."""
        return self.handle.phase is Phase.DONE

    @property
    def root_state(self) -> str:
        """Of the root, in the words for a child."""
        phase = self.handle.phase
        return {Phase.UP: "running", Phase.NEW: "pending", Phase.DONE: "stopped"}.get(phase, str(phase))

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
        for number, info in enumerate(self.handle.walk(remembered=True), 1):
            rows.append(self.row(info, anyio.current_time(), open_ids.get(info.path, "")))
            if number % AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
        self._look_again({row.path for row in rows if not row.ready} | self._down)
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
            open_incidents=self.open_incidents,
        )

    async def rows(self, paths: Collection[str]) -> tuple[dict[str, ChildRow], set[str]]:
        """The children at these paths, and the paths at which there is none any more."""
        open_ids = self._open_ids()
        infos = self._infos(paths)
        found: dict[str, ChildRow] = {}
        for number, (path, info) in enumerate(infos.items(), 1):
            found[path] = self.row(info, anyio.current_time(), open_ids.get(path, ""))
            if number % AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
        gone = set(paths) - set(infos)
        self._down -= set(infos)
        self._down |= {path for path, row in found.items() if not row.ready}
        if gone:
            self._down = {path for path in self._down if not any(is_within(path, one) for one in gone)}
        return found, gone

    async def outline(self) -> list[Node]:
        """The root, and all others in start order: what it takes to say whom a command means and touches.

        Raises:
            NoProc: the tree has ended.
        """
        nodes = [Node(self.app, self.root_state, _strategy(self._spec))]
        for number, info in enumerate(self.handle.walk(remembered=True), 1):
            strategy = self._strategy_of(info.path) if info.kind == "supervisor" else ""
            nodes.append(Node(info.path, str(info.state), strategy))
            if number % AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
        return nodes

    async def chosen(self, nodes: Sequence[Node], path: str, *, many: bool = True) -> list[Node]:
        """The nodes of an outline that a path or a pattern names; see `otp.control.wire.targets.chosen`.

        A pattern costs a while with each of them, so others get a turn of the event loop between.
        """
        target = Target(self.app, path)
        found: list[Node] = []
        for number, node in enumerate(nodes, 1):
            if target.names(node.path):
                found.append(node)
            if number % AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
        return decided(nodes, found, path, many=many)

    def info(self, path: str) -> ChildInfo | None:
        """The child at this path, from the root's id on; None if there is none just now."""
        return self._infos((path,)).get(path)

    def has_below(self, path: str) -> bool:
        """Whether there may be children below this path."""
        info = self.info(path) if path != self.app else None
        return path == self.app or (info is not None and info.kind == "supervisor")

    def _infos(self, paths: Collection[str]) -> dict[str, ChildInfo]:
        """The children at these paths, as far as there are any."""
        found: dict[str, ChildInfo] = {}
        try:
            for path in paths if len(paths) <= ONE_BY_ONE else ():
                with suppress(NotFound):
                    found[path] = self.handle.child(path.removeprefix(f"{self.app}/"))
        except NoProc:  # a supervisor above is down, and may come back
            found.clear()
        if found or not paths:
            return found
        wanted = set(paths)
        return {info.path: info for info in self.handle.walk(remembered=True) if info.path in wanted}

    def no_supervisor(self, error: NoProc) -> str:
        """What to do where a supervisor does not run that is needed."""
        if self.has_ended:
            return f"the tree has ended: {error}"
        if self.handle.phase is Phase.STOPPING:
            return f"{error}, for the whole tree stops"
        info = self.info(error.path)
        if info is not None and info.state in (ChildState.STOPPED, ChildState.FAILED, ChildState.DONE):
            return f"{error}; start it first: otp start {error.path}"
        return f"{error}; wait until it does: otp wait {error.path}"

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
        phase, spec = self.handle.phase, self._spec
        now = anyio.current_time()
        past = self.seen.history.child(self.app, now)
        paused_s = self._maintenance.left(self.app, now)
        return ChildRow(
            path=self.app,
            kind="supervisor",
            state=self.root_state,
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
            used=0 if phase is Phase.DONE else self.handle.budget().used,
            intensity=spec.intensity,
            period_s=spec.period,
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

    def _look_again(self, paths: set[str]) -> None:
        """Who of them is down still: one may have come up, and another gone down, while the rest was looked at."""
        infos = self._infos(paths)
        self._down = {path for path, info in infos.items() if not is_ready(info)}

    def _strategy_of(self, path: str) -> str:
        try:
            spec = self.handle.get_childspec(path.removeprefix(f"{self.app}/"))
        except RequestError:  # a supervisor above is down
            return ""
        assert isinstance(spec, SupervisorSpec)
        return _strategy(spec)

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


def _strategy(spec: SupervisorSpec) -> str:
    return "dynamic" if spec.dynamic else spec.strategy.value


def _wall(at: float, now: float) -> float:
    return time.time() - (now - at)
