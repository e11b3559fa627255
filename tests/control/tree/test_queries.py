"""The commands that look, and the rows that they show."""

import anyio
import pytest
from loguru import logger

from otp import FailurePolicy, Strategy, supervisor, worker
from otp.control.tree.mailbox import PACE
from otp.control.tree.view import ONE_BY_ONE
from otp.control.wire.commands import (
    Explain,
    GetEvents,
    GetHealth,
    GetIncidents,
    GetSnapshot,
    GetStack,
    GetWhy,
    Pause,
    Restart,
    Stop,
)
from otp.control.wire.health import health_of
from otp.control.wire.rows import Blocked
from otp.errors import ChildRefused
from otp.events import ChildStarted
from otp.policy import Backoff, RestartAfter
from otp.testing import Crash, Probe, Refuse, Run
from tests.control.stage import in_one_loop, turns


@pytest.fixture
def anyio_backend(virtual):
    return virtual


LATER = FailurePolicy(otherwise=RestartAfter(Backoff(10.0, jitter=0.0)))


def shop(*more, a=None):
    a = a or Probe("a")
    below = supervisor("s", strategy=Strategy.REST_FOR_ONE, intensity=7, period=9.0, children=[Probe("b").spec()])
    return supervisor("shop", children=[a.spec(policy=LATER), below, *more])


async def test_a_snapshot_shows_the_whole_tree_in_start_order():
    async with in_one_loop(shop()) as stage:
        snapshot = await stage.ask(GetSnapshot())
        assert [row.path for row in snapshot.children] == ["shop/a", "shop/s", "shop/s/b"]
        assert (snapshot.app, snapshot.version, snapshot.backend, snapshot.lag_s) == ("shop", "1.2.3", "here", 0.25)
        assert (snapshot.state, snapshot.faults, snapshot.blocked, snapshot.seq) == (
            "up",
            False,
            None,
            stage.event_log.seq,
        )
        below = snapshot.children[1]
        assert (below.kind, below.strategy, below.intensity, below.period_s) == ("supervisor", "rest_for_one", 7, 9.0)
        assert (snapshot.root.path, snapshot.root.state, snapshot.root.strategy) == ("shop", "running", "one_for_one")


@pytest.mark.virtual_time
async def test_a_row_tells_counters_times_and_the_last_cause():
    a = Probe("a", Crash(ValueError("boom")), Run())
    async with in_one_loop(shop(a=a)) as stage:
        await anyio.sleep(4.0)
        row = (await stage.ask(GetSnapshot())).children[0]
        assert (row.state, row.ready, row.streak, row.crashes) == ("backoff", False, 1, 0)
        assert row.next_retry_s == pytest.approx(6.0, abs=0.1)
        assert row.down_s == pytest.approx(4.0, abs=0.1)
        assert (row.last_cause, bool(row.incident)) == ("ValueError: boom", True)
        await anyio.sleep(10.0)
        await stage.ask(Restart(path="a"))
        row = (await stage.ask(GetSnapshot())).children[0]
        assert (row.state, row.crashes, row.manual, row.generation) == ("running", 1, 1, 3)
        assert row.downtime_s == pytest.approx(10.0, abs=0.1)


async def test_children_of_a_supervisor_that_is_down_are_shown_as_they_were_however_many():
    many = [worker(f"w{number}", anyio.sleep_forever) for number in range(3 * ONE_BY_ONE)]
    async with in_one_loop(supervisor("shop", children=[supervisor("s", children=many)])) as stage:
        await stage.ask(Stop(path="s"))
        snapshot = await stage.ask(GetSnapshot())
        assert len(snapshot.children) == 1 + 3 * ONE_BY_ONE
        assert {row.state for row in snapshot.children} == {"stopped"}
        assert snapshot.state == "degraded"
        assert stage.view.info("shop/s/w7").state == "stopped"
        assert (await stage.ask(GetWhy(path="s/w7"))).stacks == ()


@pytest.mark.virtual_time
async def test_health_is_what_a_probe_and_a_person_want_to_know():
    a = Probe("a", Crash(ValueError("boom")), Run())
    async with in_one_loop(shop(a=a)) as stage:
        await turns()
        health = await stage.ask(GetHealth())
        assert (health.live, health.ready, health.state, health.up, health.total) == (True, True, "degraded", 2, 3)
        assert health.problems == ("shop/a is backoff, next try in 10.0 s: ValueError: boom",)
        await anyio.sleep(11.0)
        health = await stage.ask(GetHealth())
        assert (health.state, health.up, health.problems) == ("up", 3, ())
        blocked = Blocked(path="shop/a", seconds=2.0, stack=("x.py:1 run",))
        snapshot = await stage.ask(GetSnapshot())
        told = health_of(type(snapshot)(**{**_fields(snapshot), "blocked": blocked}))
        assert (told.live, told.ready) == (False, False)
        assert told.problems == ("the event loop has not turned for 2.0 s: shop/a keeps it, at x.py:1 run",)


def _fields(row):
    return {name: getattr(row, name) for name in row.__struct_fields__}


async def test_of_those_that_are_down_together_only_the_topmost_is_a_problem():
    async with in_one_loop(shop()) as stage:
        await stage.ask(Stop(path="s"))
        assert (await stage.ask(GetHealth())).problems == ("shop/s is stopped",)


async def test_events_are_the_newest_about_what_is_named_oldest_first():
    async with in_one_loop(shop()) as stage:
        for path in ("a", "s/b", "a"):
            await stage.ask(Restart(path=path))
        await turns()

        async def told(**options):
            return [row.path for row in (await stage.ask(GetEvents(**options))).events if "operator" in row.event]

        assert await told() == ["shop/a", "shop/s/b", "shop/a"]
        assert await told(path="s") == ["shop/s/b"]
        assert await told(path="*/b") == ["shop/s/b"]
        assert await told(path="nobody") == []
        seqs = [row.seq for row in (await stage.ask(GetEvents(limit=2))).events]
        assert len(seqs) == 2
        assert seqs == sorted(seqs)
        assert (await stage.ask(GetEvents(limit=-5))).events == ()
        everything = (await stage.ask(GetEvents(debug=True))).events
        assert "DEBUG" in {row.level for row in everything}
        assert "DEBUG" not in {row.level for row in (await stage.ask(GetEvents())).events}
        assert everything[-1].seq == stage.event_log.seq


@pytest.mark.virtual_time
async def test_incidents_are_shown_newest_first_and_resolved_ones_only_when_wanted():
    a = Probe("a", Crash(ValueError("boom")), Run())
    async with in_one_loop(shop(a=a), ticking=True) as stage:
        await anyio.sleep(5.0)
        (incident,) = (await stage.ask(GetIncidents())).incidents
        assert (incident.path, incident.cause, incident.message, incident.state) == (
            "shop/a",
            "ValueError",
            "boom",
            "open",
        )
        assert incident.downtime_s == pytest.approx(5.0, abs=0.1)
        assert (await stage.ask(GetIncidents(path="s"))).incidents == ()
        await anyio.sleep(100.0)
        assert (await stage.ask(GetIncidents())).incidents == ()
        assert [one.state for one in (await stage.ask(GetIncidents(resolved=True))).incidents] == ["resolved"]


async def test_a_supervisor_that_is_down_keeps_its_strategy_and_has_no_window():
    async with in_one_loop(shop()) as stage:
        await stage.ask(Stop(path="s"))
        below = (await stage.ask(GetSnapshot())).children[1]
        assert (below.path, below.state, below.strategy) == ("shop/s", "stopped", "rest_for_one")
        assert (below.used, below.intensity, below.period_s) == (0, 0, 0.0)


async def test_explain_says_when_a_child_is_given_up_and_whom_a_restart_touches():
    async with in_one_loop(shop()) as stage:
        explained = await stage.ask(Explain(path="s/b"))
        assert (explained.radius, explained.untouched) == (("shop/s/b",), 2)
        assert "shop/s/b" in explained.text
        assert (await stage.refused(Explain(path="shop"))).kind == "not_found"
        assert (await stage.refused(Explain(path="*"))).kind == "refused"


async def test_stack_shows_where_workers_are():
    async with in_one_loop(shop()) as stage:
        whole = await stage.ask(GetStack(path="shop"))
        assert [row.path for row in whole.stacks] == ["shop/a", "shop/s/b"]
        (row,) = (await stage.ask(GetStack(path="s/b"))).stacks
        assert (row.state, row.tasks[0].depth) == ("running", 0)
        assert any("Probe.run" in step for step in row.tasks[0].chain)


async def test_why_puts_together_what_helps_to_understand_one_child():
    a = Probe("a", Crash(ValueError("boom")), Run())
    spec = shop(Probe("c").spec(), a=a)
    async with in_one_loop(spec) as stage:
        with stage.log.listening():
            await stage.ask(Restart(path="a", reason="try"))
            await stage.events.wait_for(ChildStarted, "shop/a", count=2)
            await stage.ask(Restart(path="s/b"))
            why = await stage.ask(GetWhy(path="a"))
        assert (why.child.path, why.supervisor.path) == ("shop/a", "shop")
        assert [row.path for row in why.siblings] == ["shop/s", "shop/c"]
        assert [failure.text for failure in why.failures] == ["ValueError: boom"]
        assert [incident.cause for incident in why.incidents] == ["ValueError"]
        assert {row.path for row in why.timeline} <= {"shop/a", "shop", "shop/s", "shop/c"}
        assert any(row.event == "operator.restart" for row in why.timeline)
        assert [stack.path for stack in why.stacks] == ["shop/a"]
        assert why.explained.radius == ("shop/a",)
        root = await stage.ask(GetWhy(path="shop"))
        assert (root.child.path, root.explained, root.stacks) == ("shop", None, ())


async def test_why_shows_what_the_child_logged():
    async def talk():
        logger.info("no route to {}", "host")
        await anyio.sleep_forever()

    async with in_one_loop(supervisor("shop", children=[worker("w", anyio.sleep_forever), worker("t", talk)])) as stage:
        await turns()  # trio runs its tasks in any order: the first line has been said
        with stage.log.listening():
            await stage.ask(Restart(path="t"))
            await turns()
            assert [line.text for line in (await stage.ask(GetWhy(path="t"))).log] == ["no route to host"]
            assert (await stage.ask(GetWhy(path="w"))).log == ()


async def test_a_look_at_what_nobody_is_called_is_not_found():
    async with in_one_loop(shop()) as stage:
        for look in (GetWhy, GetStack, Explain):
            assert (await stage.refused(look(path="nobody"))).kind == "not_found"


@pytest.mark.virtual_time
async def test_who_is_paused_is_shown_and_for_how_long():
    async with in_one_loop(shop()) as stage:
        await stage.ask(Pause(path="s", seconds=30.0))
        await anyio.sleep(10.0)
        rows = {row.path: row for row in (await stage.ask(GetSnapshot())).children}
        assert (rows["shop/a"].paused, rows["shop/a"].paused_s) == (False, None)
        for path in ("shop/s", "shop/s/b"):
            assert (rows[path].paused, rows[path].paused_s) == (True, pytest.approx(20.0, abs=0.1))


async def test_a_snapshot_of_a_big_tree_lets_others_run_between():
    children = [worker(f"w{number}", anyio.sleep_forever) for number in range(500)]
    async with in_one_loop(supervisor("shop", children=children)) as stage:
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await anyio.sleep(0)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            await turns()
            before = ticks
            snapshot = await stage.view.snapshot(1)
            assert ticks - before >= 9
            before = ticks
            assert len(await stage.view.outline()) == 501
            assert ticks - before >= 9
            tasks.cancel_scope.cancel()
        assert len(snapshot.children) == 500


async def test_what_changes_while_a_big_snapshot_is_made_does_not_disturb_it():
    children = [worker(f"w{number}", anyio.sleep_forever) for number in range(300)]
    async with in_one_loop(supervisor("shop", children=children)) as stage:
        snapshots = []

        async def look():
            snapshots.append(await stage.ask(GetSnapshot()))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            await turns(2)
            await stage.handle.terminate_child("w299")
            await stage.handle.delete_child("w299")
            await stage.handle.start_child(worker("new", anyio.sleep_forever))
            await stage.handle.terminate_child("w0")
        assert len(snapshots[0].children) in (299, 300, 301)
        assert (await stage.ask(GetSnapshot())).state == "degraded"
        await stage.handle.restart_child("w0")
        assert (await stage.ask(GetSnapshot())).state == "up"


@pytest.mark.virtual_time
async def test_the_first_question_is_answered_at_once_and_many_are_paced_so_that_the_tree_goes_first():
    async with in_one_loop(shop()) as stage:
        begun = anyio.current_time()
        await stage.ask(GetHealth())
        assert anyio.current_time() - begun < PACE
        await anyio.sleep(1.0)
        begun = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for _ in range(21):
                tasks.start_soon(stage.ask, GetHealth())
        assert anyio.current_time() - begun == pytest.approx(20 * PACE, rel=0.2)


@pytest.mark.virtual_time
async def test_a_child_that_refuses_to_stop_makes_the_tree_neither_live_nor_ready_as_it_does_for_the_health_port():
    a = Probe("a", Refuse(60.0), Run())
    with pytest.raises(ChildRefused):
        async with in_one_loop(supervisor("shop", children=[a.spec(shutdown=1.0)])) as stage:
            await stage.ask(Stop(path="a"))
            health = await stage.ask(GetHealth())
            assert (health.state, health.live, health.ready) == ("degraded", False, False)
