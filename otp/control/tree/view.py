"""A tree as records: what its handle, its history and its incidents know, put side by side."""

import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import anyio

from otp.control.tree.maintenance import Maintenance
from otp.control.wire.rows import ChildRow, FailureRow, IncidentRow, NeedRow, Snapshot, TreeState
from otp.control.wire.targets import Node, Target, decided
from otp.core.child import ChildState
from otp.core.facts import ChildFacts, strategy_of
from otp.core.paths import is_within
from otp.core.plan import Phase
from otp.errors import NoProc, NotFound, RequestError
from otp.observe.incident import Incident
from otp.observe.observation import Observation
from otp.runtime.handle import Supervisor
from otp.runtime.inspect import Budget, ChildInfo

AT_ONCE = 50
"""Children that are looked at before others get a turn of the event loop; it takes less than a millisecond."""

NO_BUDGET = Budget(used=0, intensity=0, period=0.0)

ONE_BY_ONE = 20
"""Paths that are looked up one by one; for more it is cheaper to walk through the tree once."""

_OF_INCIDENT = ("id", "path", "state", "count", "message", "frame", "fingerprint", "verdict", "injected", "maintenance")
"""Fields that the row of an incident has under the names of the incident's attributes."""

T = TypeVar("T")

_PHASES: dict[Phase, TreeState] = {
    Phase.NEW: "starting",
    Phase.STARTING: "starting",
    Phase.STOPPING: "stopping",
    Phase.DONE: "stopped",
}


class View:
    """What can be seen of one running tree from outside; lives in the tree's event loop.

    Args:
        handle: of its root.
        seen: its history and its incidents, as observed.
        maintenance: what is under maintenance.
        lag: how late the event loop turned at the worst lately, in seconds; None: that is not watched.
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
        """The state of the tree, as far as its children have been looked at: by a snapshot, and since then by `rows`."""
        phase = self.handle.phase
        if phase is not Phase.UP:
            return _PHASES[phase]
        return "degraded" if self._down else "up"

    @property
    def has_ended(self) -> bool:
        """Whether the tree has ended."""
        return self.handle.phase is Phase.DONE

    @property
    def root_state(self) -> str:
        """The state of the root, in the words for a child."""
        phase = self.handle.phase
        return {Phase.UP: "running", Phase.NEW: "pending", Phase.DONE: "stopped"}.get(phase, str(phase))

    @property
    def open_incidents(self) -> int:
        """The number of open incidents."""
        return len(self.seen.incidents.open())

    async def snapshot(self, seq: int) -> Snapshot:
        """Look at the whole tree. Others get a turn in between, so a row may be newer than another.

        Args:
            seq: number of the last event so far.

        Raises:
            NoProc: the tree has ended.
        """
        now = anyio.current_time()
        open_ids = self._open_ids()
        rows = [self._row(info, open_ids) async for info in in_turns(self.handle.walk(remembered=True))]
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
        found = {info.path: self._row(info, open_ids) async for info in in_turns(infos.values())}
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
        below = in_turns(self.handle.walk(remembered=True))
        root = Node(self.app, self.root_state, strategy_of(self._spec))
        return [root, *[Node(info.path, info.state, info.strategy) async for info in below]]

    async def chosen(self, nodes: Sequence[Node], path: str, *, many: bool = True) -> list[Node]:
        """The nodes of an outline that a path or a pattern names; see `otp.control.wire.targets.chosen`."""
        target = Target(self.app, path)
        found = [node async for node in in_turns(nodes) if target.names(node.path)]  # a pattern costs a while with each
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
        """Say that a supervisor does not run which a command needs, and what to do about it."""
        if self.has_ended:
            return f"the tree has ended: {error}"
        if self.handle.phase is Phase.STOPPING:
            return f"{error}, for the whole tree stops"
        info = self.info(error.path)
        if info is not None and info.state in (ChildState.STOPPED, ChildState.FAILED, ChildState.DONE):
            return f"{error}; start it first: otp start {error.path}"
        return f"{error}; wait until it does: otp wait {error.path}"

    def root(self) -> ChildRow:
        """The root as a row; it has no restart type and is no child of a supervisor, so nothing restarts it."""
        phase, spec, now = self.handle.phase, self._spec, anyio.current_time()
        past = self.seen.history.child(self.app, now)
        return ChildRow(
            path=self.app,
            kind="supervisor",
            state=self.root_state,
            restart="",
            generation=1,
            paused=self._maintenance.holds(self.app),
            strategy=strategy_of(spec),
            ready=phase is Phase.UP,
            up_s=past.up if past is not None else None,
            paused_s=self._maintenance.left(self.app, now),
            used=0 if phase is Phase.DONE else self.handle.budget().used,
            intensity=spec.intensity,
            period_s=spec.period,
        )

    def needs(self) -> tuple[NeedRow, ...]:
        """The dependencies that have been down at least once."""
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
        past = self.seen.history.child(path, now)
        return tuple(
            FailureRow(
                wall=_wall(one.at, now), outcome=one.outcome, verdict=one.verdict, text=one.text, frame=one.frame
            )
            for one in (past.last if past is not None else ())
        )

    def _look_again(self, paths: set[str]) -> None:
        """Recheck the children that were down: states may have changed while others had a turn."""
        infos = self._infos(paths)
        self._down = {path for path, info in infos.items() if not is_ready(info)}

    def _row(self, info: ChildInfo, open_ids: Mapping[str, str]) -> ChildRow:
        """Make the record of a child: what its supervisor, its history and its incidents know, put side by side."""
        now = anyio.current_time()
        past = self.seen.history.child(info.path, now)
        failure = past.last[-1] if past is not None and past.last else None
        budget = self._budget(info)
        return ChildRow(
            **{name: getattr(info, name) for name in ChildFacts.__struct_fields__},
            ready=is_ready(info),
            up_s=info.up,
            next_retry_s=info.next_retry,
            down_s=past.down if past is not None else None,
            downtime_s=past.downtime if past is not None else info.downtime,
            availability=past.availability if past is not None else None,
            mtbf_s=past.mtbf if past is not None else None,
            last_cause=failure.text if failure is not None else "",
            last_wall=_wall(failure.at, now) if failure is not None else None,
            incident=open_ids.get(info.path, ""),
            paused_s=self._maintenance.left(info.path, now) if info.paused else None,
            used=budget.used,
            intensity=budget.intensity,
            period_s=budget.period,
        )

    def _budget(self, info: ChildInfo) -> Budget:
        """The restart window of a supervisor; none of a worker, and of a supervisor that is down."""
        with suppress(RequestError):
            return NO_BUDGET if info.kind == "worker" else self.handle.budget(info.path.removeprefix(f"{self.app}/"))
        return NO_BUDGET

    def _open_ids(self) -> dict[str, str]:
        return {incident.path: incident.id for incident in self.seen.incidents.open()}


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items; others get a turn of the event loop after each `AT_ONCE` of them."""
    for number, item in enumerate(items, start=1):
        yield item
        if number % AT_ONCE == 0:
            await anyio.lowlevel.checkpoint()


def is_ready(info: ChildInfo) -> bool:
    """Whether a child is up, or has ended for good, as it was meant to."""
    return info.state in (ChildState.RUNNING, ChildState.DONE)


def incident_row(incident: Incident, now: float) -> IncidentRow:
    """An incident as a row, at the time `now` of the tree's clock."""
    down = now - incident.down_since if incident.down_since is not None else 0.0
    return IncidentRow(
        **{name: getattr(incident, name) for name in _OF_INCIDENT},
        cause=incident.type,
        worst=str(incident.worst),
        opened_wall=incident.opened.wall,
        last_wall=incident.last.wall,
        resolved_wall=incident.resolved.wall if incident.resolved is not None else None,
        downtime_s=incident.downtime + down,
    )


def _wall(at: float, now: float) -> float:
    return time.time() - (now - at)
