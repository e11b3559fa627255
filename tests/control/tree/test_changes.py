"""What changes: deltas after a snapshot rebuild the tree, whatever happens, and a storm is told in few of them."""

import functools

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from otp import FailurePolicy, Strategy, supervisor, worker
from otp.control.client.mirror import Mirror
from otp.control.tree import changes
from otp.control.tree.changes import FRESH, OFTEN
from otp.control.tree.view import View
from otp.control.wire.commands import (
    GetHealth,
    GetSnapshot,
    Pause,
    Reset,
    ResolveIncident,
    Restart,
    Resume,
    Start,
    Stop,
    Watch,
)
from otp.control.wire.rows import Snapshot
from otp.core.paths import is_within
from otp.policy import Backoff, GiveUp, RestartAfter, on
from otp.spec import Restart as RestartType
from otp.spec import dynamic_supervisor
from otp.testing import Crash, Probe, Run, virtual_backend
from tests.control.stage import in_one_loop, turns

TIMES = dict.fromkeys(("up_s", "down_s", "next_retry_s", "paused_s", "availability", "mtbf_s", "last_wall"))


class Picture:
    """What a client knows."""

    def __init__(self, snapshot):
        self.begin(snapshot)

    def begin(self, snapshot):
        self.seq = self.contained = snapshot.seq
        self.rows = {row.path: row for row in snapshot.children}
        self._rest(snapshot)

    def take(self, message):
        if isinstance(message, Snapshot):
            self.begin(message)
            return
        if message.seq <= self.contained:  # the server leaves these out
            return
        assert message.seq > self.seq
        self.seq = message.seq
        for path in message.removed:
            self.rows = {known: row for known, row in self.rows.items() if not is_within(known, path)}
        for row in message.changed:
            self._put(row)
        self._rest(message)

    def _put(self, row):
        if row.path in self.rows:
            self.rows[row.path] = row
            return
        above = row.path.rpartition("/")[0]
        order = list(self.rows.items())
        behind = max((n for n, (known, _) in enumerate(order, 1) if is_within(known, above)), default=0)
        self.rows = dict([*order[:behind], (row.path, row), *order[behind:]])

    def _rest(self, message):
        self.state = message.state
        self.root = timeless(message.root)
        self.needs = tuple(replace(need, down_s=None, downtime_s=0.0) for need in message.needs)
        self.open_incidents = message.open_incidents

    @property
    def shown(self):
        rows = [timeless(row) for row in self.rows.values()]
        return self.state, self.root, rows, self.needs, self.open_incidents


def timeless(row):
    """The row without what goes on by itself."""
    set_or_not = {name: None if getattr(row, name) is None else 0.0 for name in TIMES}
    return replace(row, downtime_s=0.0, **set_or_not)


# ---------------------------------------------------------------------------------------------------- whatever happens


class Zoo:
    """A tree with one of each kind."""

    def __init__(self):
        self.probes = {name: Probe(name) for name in ("a", "b", "c", "once", "parked", "late")}
        spec = {name: probe.spec for name, probe in self.probes.items()}
        parks = FailurePolicy(on(ValueError, GiveUp()))
        backs_off = FailurePolicy(otherwise=RestartAfter(Backoff(1e6, cap=1e6)))
        group = supervisor(
            "group", strategy=Strategy.ONE_FOR_ALL, intensity=1, period=1e9, children=[spec["b"](), spec["c"]()]
        )
        temporary = supervisor("temporary", restart=RestartType.TEMPORARY, children=[worker("t", anyio.sleep_forever)])
        self.tree = supervisor(
            "zoo",
            intensity=1_000,
            period=1e9,
            children=[
                spec["a"](),
                group,
                temporary,
                dynamic_supervisor("pool"),
                spec["once"](restart=RestartType.TEMPORARY),
                spec["parked"](policy=parks),
                spec["late"](policy=backs_off),
            ],
        )
        self.added = 0


PATHS = (
    "a",
    "group",
    "group/b",
    "group/c",
    "temporary",
    "temporary/t",
    "pool",
    "pool/*",
    "once",
    "parked",
    "late",
    "*",
    "zoo",
)
commands = st.builds(
    lambda kind, path, seconds: kind(path=path, all=True, **({"seconds": seconds} if kind is Pause else {})),
    st.sampled_from([Restart, Stop, Start, Reset, Pause, Resume]),
    st.sampled_from(PATHS),
    st.sampled_from([None, 1e7]),
)
happenings = st.one_of(
    commands,
    st.sampled_from(["a", "b", "c", "once", "parked", "late"]).map(lambda name: ("crash", name)),
    st.just(("add", "")),
    st.just(("resolve", "")),
    st.just(("look", "")),
)


async def happen(stage, zoo, what):
    if not isinstance(what, tuple):
        await stage.answered(what)
        return
    kind, name = what
    if kind == "crash":
        zoo.probes[name].crash(ValueError("boom"))
    elif kind == "add":
        zoo.added += 1
        try:
            await stage.handle.start_child(worker(f"w{zoo.added}", anyio.sleep_forever), under="pool")
        except Exception as error:
            assert "not running" in str(error)
    elif kind == "resolve":
        for incident in stage.seen.incidents.open()[:1]:
            await stage.ask(ResolveIncident(incident=incident.id))
    else:
        await stage.ask(GetSnapshot())
    await turns()


async def rebuilt(steps):
    zoo = Zoo()
    async with in_one_loop(zoo.tree) as stage:
        stage.bridge.is_watched = True
        snapshot = await stage.ask(Watch())
        picture, mirror = Picture(snapshot), Mirror()
        mirror.apply(snapshot, 0.0)
        for step in steps:
            await happen(stage, zoo, step)
        await anyio.sleep(3 * OFTEN)
        if stage.view.has_ended:
            return
        for delta in stage.deltas:
            picture.take(delta)
            if delta.seq > snapshot.seq:  # the server leaves out the others
                mirror.apply(delta, 0.0)
        fresh = Picture(await stage.ask(GetSnapshot()))
        assert picture.shown == fresh.shown
        assert [timeless(row) for row in mirror.rows(0.0)] == [fresh.root, *fresh.shown[2]]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(happenings, max_size=12))
def test_a_snapshot_and_the_deltas_after_it_show_what_a_fresh_snapshot_shows(backend, steps):
    name, options = virtual_backend(backend)
    anyio.run(functools.partial(rebuilt, steps), backend=name, backend_options=options)


@pytest.mark.virtual_time
class TestInOneLoop:
    @pytest.fixture
    def anyio_backend(self, virtual):
        return virtual

    async def test_what_is_over_without_an_event_is_told_too(self):
        a = Probe("a", Crash(ValueError("x")), Run())
        async with in_one_loop(supervisor("shop", children=[a.spec()]), ticking=True) as stage:
            stage.bridge.is_watched = True
            picture = Picture(await stage.ask(Watch()))
            await anyio.sleep(200.0)
            for delta in stage.deltas:
                picture.take(delta)
            assert (picture.open_incidents, picture.rows["shop/a"].incident) == (0, "")
            assert "incident.resolved" in [event.event for delta in stage.deltas for event in delta.events]

    async def test_a_storm_is_told_in_few_words_and_nothing_of_it_is_left_out(self):
        async with in_one_loop(supervisor("shop", intensity=10_000, children=[Probe("a").spec()])) as stage:
            stage.bridge.is_watched = True
            snapshot = await stage.ask(Watch())
            begun = anyio.current_time()
            for _ in range(200):
                await stage.handle.restart("a")
            await anyio.sleep(3 * OFTEN)
            assert len(stage.deltas) <= (anyio.current_time() - begun) / OFTEN + 1
            told = [event.seq for delta in stage.deltas for event in delta.events if event.seq > snapshot.seq]
            assert told == list(range(snapshot.seq + 1, stage.event_log.seq + 1))

    async def test_without_anybody_who_watches_nothing_is_made_of_events(self, monkeypatch):
        async with in_one_loop(supervisor("shop", children=[Probe("a").spec()])) as stage:
            monkeypatch.setattr(View, "rows", None)
            for _ in range(10):
                await stage.handle.restart("a")
            await anyio.sleep(10 * OFTEN)
            assert stage.deltas == []

    async def test_how_the_tree_looks_is_kept_for_when_its_loop_is_blocked_though_nobody_has_asked(self):
        async with in_one_loop(supervisor("shop", children=[Probe("a").spec()])) as stage:
            await anyio.sleep(2 * FRESH)
            await stage.handle.terminate_child("a")
            await anyio.sleep(FRESH / 2)  # more than it takes for what follows at once
            assert [child.state for child in stage.kept[-1].children] == ["stopped"]
            await anyio.sleep(2 * FRESH)
            kept = len(stage.kept)
            for _ in range(100):
                await stage.handle.pause("a")
                await stage.handle.resume("a")
                await anyio.sleep(FRESH / 50)
            assert 2 <= len(stage.kept) - kept <= 5
            await anyio.sleep(100.0)
            assert 2 <= len(stage.kept) - kept <= 5  # nothing happens, nothing is looked at

    async def test_of_a_large_tree_no_picture_is_taken_unasked_but_the_first(self, monkeypatch):
        monkeypatch.setattr(changes, "SMALL", 2)
        children = [Probe(name).spec() for name in "abc"]
        async with in_one_loop(supervisor("shop", children=children)) as stage:
            await anyio.sleep(2 * FRESH)
            await stage.handle.restart("a")
            await anyio.sleep(2 * FRESH)
            assert len(stage.kept) == 1

    async def test_a_bug_in_looking_harms_neither_the_tree_nor_those_who_ask(self, monkeypatch):
        async with in_one_loop(supervisor("shop", children=[Probe("a").spec()])) as stage:
            monkeypatch.setattr(View, "snapshot", None)
            await stage.handle.restart("a")
            await anyio.sleep(2 * FRESH)
            monkeypatch.undo()
            await stage.handle.restart("a")
            await anyio.sleep(2 * FRESH)
            assert stage.kept[-1].children[0].manual == 2
            assert (await stage.ask(GetHealth())).state == "up"

    async def test_what_happened_before_somebody_watched_is_not_told(self):
        async with in_one_loop(supervisor("shop", children=[Probe("a").spec()])) as stage:
            await stage.handle.restart("a")
            await anyio.sleep(1.0)
            stage.bridge.is_watched = True
            snapshot = await stage.ask(Watch())
            await stage.handle.restart("a")
            await anyio.sleep(1.0)
            told = [event.seq for delta in stage.deltas for event in delta.events]
            assert (told[0], told[-1]) == (snapshot.seq + 1, stage.event_log.seq)

    async def test_a_bug_in_telling_harms_neither_the_tree_nor_those_who_ask(self, monkeypatch):
        async with in_one_loop(supervisor("shop", children=[Probe("a").spec()])) as stage:
            stage.bridge.is_watched = True
            with monkeypatch.context() as broken:
                broken.setattr(View, "root", lambda view: 1 / 0)
                await stage.handle.restart("a")
                await anyio.sleep(1.0)
            assert stage.deltas == []
            assert (await stage.ask(GetHealth())).live
            await stage.handle.restart("a")
            await anyio.sleep(1.0)
            assert stage.deltas

    async def test_the_end_of_the_tree_is_told(self):
        async with in_one_loop(supervisor("shop", children=[Probe("a").spec()])) as stage:
            stage.bridge.is_watched = True
            stage.handle.stop()
            await anyio.sleep(1.0)
            assert stage.deltas[-1].state == "stopped"

    async def test_of_many_that_went_down_with_their_supervisor_each_is_told(self):
        many = supervisor("many", children=[worker(f"w{n}", anyio.sleep_forever) for n in range(300)])
        async with in_one_loop(supervisor("shop", children=[many])) as stage:
            stage.bridge.is_watched = True
            picture = Picture(await stage.ask(Watch()))
            await stage.ask(Stop(path="many"))
            await anyio.sleep(1.0)
            for delta in stage.deltas:
                picture.take(delta)
            assert len(picture.rows) == 301
            assert {row.state for row in picture.rows.values()} == {"stopped"}
            assert picture.state == "degraded"
            await stage.ask(Start(path="many"))
            assert (await stage.ask(GetSnapshot())).state == "up"
