"""The acting commands, in the tree's own loop: what each does, to whom, and what it says when it cannot."""

import anyio
import pytest

from otp import Strategy, supervisor, worker
from otp.control.wire.commands import (
    Drain,
    GetStack,
    InjectFault,
    Pause,
    Reset,
    ResolveIncident,
    Restart,
    Resume,
    Start,
    Stop,
)
from otp.errors import ChildRefused
from otp.events import ChildPaused, ChildRestarting, ChildStarted
from otp.faults import Faults
from otp.spec import Restart as RestartType
from otp.spec import dynamic_supervisor
from otp.testing import Crash, FailStart, Hang, Journal, Probe, Refuse, Run
from tests.control.stage import in_one_loop, turns


@pytest.fixture
def anyio_backend(virtual):
    return virtual


def shop(*probes, **options):
    return supervisor("shop", children=[probe.spec() for probe in probes], **options)


async def test_a_restart_is_manual_costs_nothing_and_leaves_the_others_alone():
    a, b = Probe("a"), Probe("b")
    async with in_one_loop(shop(a, b, intensity=0)) as stage:
        acted = await stage.ask(Restart(path="a"), op="op-1")
        (change,) = acted.changes
        assert (acted.op, acted.dry_run, acted.untouched) == ("op-1", False, 1)
        assert (change.path, change.radius, change.error) == ("shop/a", ("shop/a",), "")
        assert (change.before, change.after) == ("running", "running")
        assert change.took_s >= 0
        info = stage.handle.child("a")
        assert (info.generation, info.manual, info.crashes) == (2, 1, 0)
        assert (b.starts, stage.handle.budget().used) == (1, 0)


async def test_stop_leaves_a_child_down_and_start_brings_it_back():
    a = Probe("a")
    async with in_one_loop(shop(a)) as stage:
        stopped = (await stage.ask(Stop(path="a"))).changes[0]
        assert (stopped.before, stopped.after, a.alive) == ("running", "stopped", 0)
        started = (await stage.ask(Start(path="a"))).changes[0]
        assert (started.before, started.after, a.starts) == ("stopped", "running", 2)


async def test_to_start_what_is_up_is_no_error_and_is_said():
    async with in_one_loop(shop(Probe("a"))) as stage:
        change = (await stage.ask(Start(path="a"))).changes[0]
        assert (change.error, change.message, change.after) == ("", "it is up already", "running")
        assert stage.generations() == {"shop/a": 1}


async def test_reset_forgets_streak_and_window_with_all_below():
    a = Probe("a", Crash(ValueError("x")), Crash(ValueError("x")), Run())
    async with in_one_loop(supervisor("shop", children=[shop(a).with_child(a.spec())])) as stage:
        await stage.events.wait_for(ChildStarted, "shop/shop/a", count=3)
        assert stage.handle.child("shop/a").streak == 2
        assert stage.handle.budget("shop").used == 2
        await stage.ask(Reset(path="shop/shop"))
        assert stage.handle.child("shop/a").streak == 0
        assert stage.handle.budget("shop").used == 0


async def test_reset_of_the_root_is_for_all_of_them():
    a = Probe("a", Crash(ValueError("x")), Run())
    async with in_one_loop(shop(a)) as stage:
        await stage.events.wait_for(ChildStarted, "shop/a", count=2)
        change = (await stage.ask(Reset(path="shop"))).changes[0]
        assert (change.path, change.error) == ("shop", "")
        assert (stage.handle.child("a").streak, stage.handle.budget().used) == (0, 0)


async def test_a_paused_child_is_left_down_when_it_crashes_until_it_is_resumed():
    a = Probe("a")
    async with in_one_loop(shop(a, intensity=0)) as stage:
        await stage.ask(Pause(path="a"))
        a.crash()
        await stage.events.wait_for(ChildPaused)
        await turns()
        assert (stage.state("a"), a.alive) == ("paused", 0)
        change = (await stage.ask(Resume(path="a"))).changes[0]
        assert change.before == "paused"
        await stage.events.wait_for(ChildStarted, "shop/a", count=2)


async def test_a_pattern_with_all_is_a_rolling_restart_in_start_order():
    journal: Journal = []
    probes = [Probe(name, journal=journal) for name in "abc"]
    async with in_one_loop(shop(*probes)) as stage:
        journal.clear()
        acted = await stage.ask(Restart(path="*", all=True))
        assert journal == ["end a", "start a", "end b", "start b", "end c", "start c"]
        assert [change.path for change in acted.changes] == ["shop/a", "shop/b", "shop/c"]
        assert acted.untouched == 0


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_a_group_that_restarts_together_is_restarted_once_by_a_pattern(strategy):
    probes = [Probe(name) for name in "abc"]
    async with in_one_loop(shop(*probes, strategy=strategy)) as stage:
        acted = await stage.ask(Restart(path="*", all=True))
        assert [probe.starts for probe in probes] == [2, 2, 2]
        assert [change.message for change in acted.changes] == ["", *["restarted along with a sibling"] * 2]
        assert [child.manual for child in stage.handle.walk()] == [1, 0, 0]


async def test_one_that_fails_does_not_keep_the_others_of_a_pattern_from_their_turn():
    a, b = Probe("a", Run(), FailStart(ValueError("no disk")), Run()), Probe("b")
    async with in_one_loop(shop(a, b)) as stage:
        acted = await stage.ask(Restart(path="*", all=True))
        assert [change.error for change in acted.changes] == ["error", ""]
        assert "shop/a did not start" in acted.changes[0].message
        assert b.starts == 2


async def test_more_than_one_without_all_is_refused_and_nothing_is_done():
    async with in_one_loop(shop(Probe("a"), Probe("b"))) as stage:
        failed = await stage.refused(Restart(path="*"))
        assert (failed.kind, "add --all" in failed.message) == ("refused", True)
        assert set(stage.generations().values()) == {1}


async def test_an_unknown_child_is_not_found_with_a_hint():
    async with in_one_loop(shop(Probe("ws_worker"))) as stage:
        failed = await stage.refused(Restart(path="ws_wroker"))
        assert failed.kind == "not_found"
        assert "did you mean shop/ws_worker" in failed.message


@pytest.mark.parametrize("command", [Restart, Stop, Start])
async def test_the_root_itself_is_not_restarted_stopped_or_started(command):
    async with in_one_loop(shop(Probe("a"))) as stage:
        failed = await stage.refused(command(path="shop"))
        assert (failed.kind, "otp drain" in failed.message) == ("refused", True)


async def test_a_conflict_is_told_with_what_stands_in_the_way():
    once = supervisor("shop", children=[worker("once", anyio.sleep_forever, restart=RestartType.TEMPORARY)])
    async with in_one_loop(once) as stage:
        change = (await stage.ask(Restart(path="once"))).changes[0]
        assert (change.error, "temporary" in change.message) == ("conflict", True)
    async with in_one_loop(dynamic_supervisor("shop")) as stage:
        await stage.handle.start_child(Probe("a").spec())
        await stage.ask(Stop(path="a"))
        assert (await stage.refused(Start(path="a"))).kind == "not_found"


async def test_a_child_of_a_supervisor_that_is_down_is_a_conflict_and_not_the_end_of_the_tree():
    async with in_one_loop(supervisor("shop", children=[supervisor("s", children=[Probe("a").spec()])])) as stage:
        await stage.ask(Stop(path="s"))
        change = (await stage.ask(Start(path="s/a"))).changes[0]
        assert (change.error, change.after) == ("conflict", change.before)
        assert change.message == "shop/s: the supervisor is not running; start it first: otp start shop/s"
        failed = await stage.refused(GetStack(path="s/a"))
        assert (failed.kind, failed.message) == ("conflict", change.message)


@pytest.mark.virtual_time
async def test_a_child_that_refuses_to_stop_is_an_error():
    a = Probe("a", Refuse(60.0), Run())
    with pytest.raises(ChildRefused):
        async with in_one_loop(supervisor("shop", children=[a.spec(shutdown=1.0)])) as stage:
            change = (await stage.ask(Stop(path="a"))).changes[0]
            assert (change.error, change.after) == ("error", "refused")
            assert "otp stack shop/a says where it hangs" in change.message


@pytest.mark.virtual_time
async def test_to_start_what_refused_to_stop_is_an_error_since_it_is_not_up():
    a = Probe("a", Refuse(60.0), Run())
    with pytest.raises(ChildRefused):
        async with in_one_loop(supervisor("shop", children=[a.spec(shutdown=1.0)])) as stage:
            await stage.ask(Stop(path="a"))
            change = (await stage.ask(Start(path="a"))).changes[0]
            assert (change.error, change.after) == ("error", "refused")
            assert change.message.startswith("refused to stop: shop/a; ")


@pytest.mark.virtual_time
async def test_a_restart_while_the_tree_starts_slowly_restarts_the_child_that_is_not_ready():
    a, slow, c = Probe("a"), Probe("slow", Hang(), Run()), Probe("c")
    async with in_one_loop(shop(a, slow, c), begin=False) as stage:
        stage.handle._tree.root.begin()
        await turns()
        assert (stage.state("slow"), stage.state("c")) == ("starting", "pending")
        change = (await stage.ask(Restart(path="slow"))).changes[0]
        assert (change.before, change.after, change.error) == ("starting", "running", "")
        await stage.events.wait_for(ChildStarted, "shop/c")


@pytest.mark.virtual_time
async def test_commands_while_the_tree_stops_slowly_are_answered_and_after_it_the_tree_is_gone():
    a, b = Probe("a"), Probe("b", Run(cleanup=3.0))
    async with in_one_loop(shop(a, b)) as stage:
        stage.handle.stop()
        await turns()
        assert stage.view.state == "stopping"
        for path in ("a", "b"):
            change = (await stage.ask(Restart(path=path))).changes[0]
            assert (change.error, change.message.endswith("not running, for the whole tree stops")) == (
                "conflict",
                True,
            )
        await anyio.sleep(4.0)
        failed = await stage.refused(Restart(path="a"))
        assert (failed.kind, "the tree has ended" in failed.message) == ("gone", True)
        assert (a.starts, b.starts) == (1, 1)


@pytest.mark.virtual_time
async def test_a_restart_that_waits_when_the_tree_is_stopped_is_answered_with_that():
    b = Probe("b", Run(cleanup=3.0))
    answers = []
    async with in_one_loop(shop(b)) as stage:

        async def restart():
            answers.append(await stage.ask(Restart(path="b")))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(restart)
            await turns()
            assert stage.state("b") == "stopping"
            stage.handle.stop()
    (change,) = answers[0].changes
    assert (change.error, b.starts) == ("conflict", 1)


async def test_drain_says_what_it_stops_in_this_order_and_stops_it():
    async with in_one_loop(shop(Probe("a"), Probe("b"))) as stage:
        dry = await stage.ask(Drain(dry_run=True))
        assert (dry.dry_run, dry.children) == (True, ("shop/b", "shop/a"))
        assert stage.view.state == "up"
        drained = await stage.ask(Drain(reason="bye"), op="op-9")
        assert (drained.op, drained.dry_run, drained.children) == ("op-9", False, ("shop/b", "shop/a"))
        await turns()
        assert stage.view.has_ended


@pytest.mark.virtual_time
@pytest.mark.parametrize(("seconds", "took"), [(5.0, 5.0), (None, 30.0)])
async def test_drain_within_a_time_cuts_short_who_takes_longer(seconds, took):
    async def slow():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(30.0)

    begun = anyio.current_time()
    spec = supervisor("shop", children=[worker("a", slow, shutdown=1_000.0)])
    try:
        async with in_one_loop(spec) as stage:
            await stage.ask(Drain(seconds=seconds))
            while not stage.view.has_ended:
                await anyio.sleep(0.5)
            assert anyio.current_time() - begun == pytest.approx(took, abs=1.0)
    except ChildRefused:
        assert seconds is not None


async def test_a_dry_run_of_drain_with_a_time_kills_nobody():
    async with in_one_loop(shop(Probe("a"))) as stage:
        await stage.ask(Drain(seconds=0.0, dry_run=True))
        await turns()
        assert stage.view.state == "up"


async def test_faults_are_refused_where_the_process_was_started_without_them():
    async with in_one_loop(shop(Probe("a"))) as stage:
        failed = await stage.refused(InjectFault(path="a", kind="crash"))
        assert (failed.kind, "--faults" in failed.message) == ("refused", True)


async def test_a_fault_for_a_child_that_was_added_later_is_a_conflict_and_not_an_unknown_child():
    async with in_one_loop(shop(Probe("a")), faults=Faults()) as stage:
        await stage.handle.start_child(Probe("b").spec())
        change = (await stage.ask(InjectFault(path="b", kind="crash"))).changes[0]
        assert (change.error, "was added while the tree ran" in change.message) == ("conflict", True)


async def test_an_injected_crash_restarts_the_worker_and_its_incident_is_marked():
    async with in_one_loop(shop(Probe("a"), Probe("b")), faults=Faults()) as stage:
        change = (await stage.ask(InjectFault(path="a", kind="crash"))).changes[0]
        assert change.error == ""
        await stage.events.wait_for(ChildRestarting, "shop/a")
        await stage.events.wait_for(ChildStarted, "shop/a", count=2)
        assert [incident.injected for incident in stage.seen.incidents.open()] == [True]
        assert stage.generations()["shop/b"] == 1


async def test_the_numbers_of_a_fault_are_kept_and_those_that_make_no_sense_are_a_conflict():
    async with in_one_loop(shop(Probe("a")), faults=(faults := Faults())) as stage:
        await stage.ask(InjectFault(path="a", kind="flap", times=3, seconds=7.0))
        (injection,) = faults.active()
        assert (injection.kind, injection.left, injection.until) == ("flap", 2, anyio.current_time() + 7.0)
        again = (await stage.ask(InjectFault(path="a", kind="crash"))).changes[0]
        assert (again.error, "injected there already" in again.message) == ("conflict", True)


async def test_an_incident_is_resolved_by_hand_once():
    a = Probe("a", Crash(ValueError("x")), Run())
    async with in_one_loop(shop(a)) as stage:
        await stage.events.wait_for(ChildStarted, "shop/a", count=2)
        (incident,) = stage.seen.incidents.open()
        resolved = await stage.ask(ResolveIncident(incident=incident.id))
        assert (resolved.incident.id, resolved.incident.state) == (incident.id, "resolved")
        failed = await stage.refused(ResolveIncident(incident=incident.id))
        assert (failed.kind, "open are: none" in failed.message) == ("not_found", True)


async def test_a_bug_in_an_answer_is_told_and_the_mailbox_goes_on():
    async with in_one_loop(shop(Probe("a"))) as stage:
        outline = stage.view.outline

        async def broken():
            raise ZeroDivisionError("oops")

        stage.view.outline = broken
        failed = await stage.refused(Restart(path="a"))
        assert (failed.kind, "ZeroDivisionError" in failed.message) == ("error", True)
        stage.view.outline = outline
        await stage.ask(Restart(path="a"))
