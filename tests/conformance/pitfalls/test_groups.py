"""Restarts that take siblings along, and significant children: pitfalls 7, 8, 11, 13, 25, 33."""

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import AutoShutdown, Restart, Strategy, events, open_supervisor, supervisor
from otp.testing import EventRecorder, FailStart, Finish, Hang, IgnoreStart, Journal, Probe, Run

GROUPED = [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE]
ENDING = [AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT]


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


@pytest.mark.parametrize("strategy", GROUPED)
async def test_a_group_restart_starts_also_what_was_stopped_had_finished_or_was_ignored_pitfall_7(strategy):
    crashing, stopped = Probe("crashing"), Probe("stopped")
    finished, ignored = Probe("finished", Finish(), Run()), Probe("ignored", IgnoreStart(), Run())
    recorder = EventRecorder()
    children = [
        crashing.spec(),
        stopped.spec(),
        finished.spec(restart=Restart.TRANSIENT),
        ignored.spec(),
    ]
    async with open_supervisor(supervisor("root", strategy=strategy, children=children), hooks=[recorder]) as root:
        await root.terminate_child("stopped")
        await recorder.wait_for(events.ChildExited, "root/finished")
        assert [child.state for child in root.which_children()] == ["running", "stopped", "done", "done"]
        crashing.crash()
        await recorder.wait_for(events.ChildStarted, "root/ignored")
        assert [child.state for child in root.which_children()] == ["running"] * 4
        assert [p.alive for p in (crashing, stopped, finished, ignored)] == [1, 1, 1, 1]


@pytest.mark.parametrize("strategy", GROUPED)
async def test_temporary_siblings_end_with_the_group_and_are_forgotten_pitfall_8(strategy):
    crashing, temporary, last = Probe("crashing"), Probe("temporary"), Probe("last")
    recorder = EventRecorder()
    children = [crashing.spec(), temporary.spec(restart=Restart.TEMPORARY), last.spec()]
    async with open_supervisor(supervisor("root", strategy=strategy, children=children), hooks=[recorder]) as root:
        crashing.crash()
        await recorder.wait_for(events.ChildStarted, "root/last", count=2)
        assert (temporary.starts, temporary.alive) == (1, 0)
        assert [child.id for child in root.which_children()] == ["crashing", "last"]
        assert root.count_children().specs == 2


@pytest.mark.virtual_time
async def test_one_for_all_begins_anew_with_all_when_a_sibling_does_not_start_pitfall_11():
    journal: Journal = []
    a = Probe("a", Run(cleanup=0.2), journal=journal)
    b = Probe("b", Run(), FailStart(ValueError("no")), Run(), journal=journal)
    d, recorder = Probe("d", journal=journal), EventRecorder()
    spec = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=[p.spec() for p in (a, b, d)])
    async with open_supervisor(spec, hooks=[recorder]):
        journal.clear()
        d.crash()
        await recorder.wait_for(events.ChildStarted, "root/d", count=2)
        assert journal == [
            *("end d", "end b", "end a"),
            *("start a", "start b", "end b", "end a"),
            *("start a", "start b", "start d"),
        ]
        restarts = recorder.of(events.ChildRestarting)
        assert max(restart.used for restart in restarts) == 2


@pytest.mark.virtual_time
async def test_rest_for_one_goes_on_from_the_sibling_that_does_not_start_pitfall_11():
    journal: Journal = []
    a = Probe("a", Run(cleanup=0.2), journal=journal)
    b = Probe("b", Run(), FailStart(ValueError("no")), Run(), journal=journal)
    d, recorder = Probe("d", journal=journal), EventRecorder()
    spec = supervisor("root", strategy=Strategy.REST_FOR_ONE, children=[p.spec() for p in (a, b, d)])
    async with open_supervisor(spec, hooks=[recorder]):
        journal.clear()
        a.crash()
        await recorder.wait_for(events.ChildStarted, "root/d", count=2)
        assert journal == ["end a", "end d", "end b", "start a", "start b", "end b", "start b", "start d"]
        assert a.starts == 2


@pytest.mark.parametrize("auto_shutdown", ENDING)
@pytest.mark.parametrize("restart", [Restart.TRANSIENT, Restart.TEMPORARY])
async def test_to_terminate_a_significant_child_ends_nothing_else_pitfall_13(auto_shutdown, restart):
    a, b = Probe("a"), Probe("b")
    children = [a.spec(restart=restart, significant=True), b.spec()]
    async with open_supervisor(supervisor("root", auto_shutdown=auto_shutdown, children=children)) as root:
        await root.terminate_child("a")
        await turns()
        assert (root.child("b").state, b.alive) == ("running", 1)
        await root.start_child(Probe("c").spec())


@pytest.mark.parametrize("auto_shutdown", ENDING)
@pytest.mark.parametrize("strategy", GROUPED)
@pytest.mark.parametrize("restart", [Restart.TRANSIENT, Restart.TEMPORARY])
async def test_a_significant_child_that_is_stopped_with_its_group_ends_nothing_else_pitfall_13(
    auto_shutdown, strategy, restart
):
    crashing, bystander, last = Probe("crashing"), Probe("bystander"), Probe("last")
    recorder = EventRecorder()
    spec = supervisor(
        "root",
        strategy=strategy,
        auto_shutdown=auto_shutdown,
        children=[crashing.spec(), bystander.spec(restart=restart, significant=True), last.spec()],
    )
    async with open_supervisor(spec, hooks=[recorder]) as root:
        crashing.crash()
        await recorder.wait_for(events.ChildStarted, "root/last", count=2)
        await turns()
        assert bystander.starts == (1 if restart is Restart.TEMPORARY else 2)
        assert (root.child("last").state, root.child("crashing").state) == ("running", "running")


@pytest.mark.parametrize("strategy", Strategy)
async def test_the_crash_of_a_significant_transient_child_is_a_restart_and_its_return_the_end_pitfall_13(strategy):
    a, b, recorder = Probe("a"), Probe("b"), EventRecorder()
    spec = supervisor(
        "root",
        strategy=strategy,
        auto_shutdown=AutoShutdown.ANY_SIGNIFICANT,
        children=[a.spec(restart=Restart.TRANSIENT, significant=True), b.spec()],
    )
    ended = True
    async with open_supervisor(spec, hooks=[recorder]):
        a.crash()
        await recorder.wait_for(events.ChildStarted, "root/a", count=2)
        await turns()
        a.finish()
        await anyio.sleep_forever()
        ended = False
    assert ended
    assert (a.starts, a.alive, b.alive) == (2, 0, 0)


async def test_children_are_listed_in_start_order_and_one_added_again_stands_at_the_end_pitfall_25():
    journal: Journal = []
    t, a, b = (Probe(name, journal=journal) for name in "tab")
    recorder = EventRecorder()
    children = [t.spec(restart=Restart.TEMPORARY), a.spec(), b.spec()]
    spec = supervisor("root", strategy=Strategy.REST_FOR_ONE, children=children)
    async with open_supervisor(spec, hooks=[recorder]) as root:
        assert [child.id for child in root.which_children()] == ["t", "a", "b"]
        t.crash()
        await recorder.wait_for(events.ChildExited, "root/t")
        await root.start_child(t.spec(restart=Restart.TEMPORARY))
        assert [child.id for child in root.which_children()] == ["a", "b", "t"]
        journal.clear()
        b.crash()
        await recorder.wait_for(events.ChildStarted, "root/b", count=2)
        assert journal == ["end b", "end t", "start b"]
        assert [child.id for child in root.which_children()] == ["a", "b"]


async def test_a_significant_child_that_is_being_restarted_counts_as_alive_pitfall_33():
    trying, other, recorder = Probe("trying", Run(), Hang(), Finish()), Probe("other"), EventRecorder()
    significant = {"restart": Restart.TRANSIENT, "significant": True}
    spec = supervisor(
        "root",
        auto_shutdown=AutoShutdown.ALL_SIGNIFICANT,
        children=[trying.spec(**significant), other.spec(**significant)],
    )
    went_on = False
    async with open_supervisor(spec, hooks=[recorder]) as root:
        trying.crash()
        await recorder.wait_for(events.ChildRestarting, "root/trying")
        other.finish()
        await recorder.wait_for(events.ChildExited, "root/other")
        await turns()
        went_on = root.child("trying").state == "starting"
        await root.restart("trying")
        await anyio.sleep_forever()
    assert went_on
    assert (trying.starts, other.starts, trying.alive) == (3, 1, 0)
