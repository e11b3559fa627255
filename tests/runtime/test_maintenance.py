"""`pause`, `resume` and `reset` of a path with all below it, in running trees."""

import anyio
import pytest

from otp import IntensityReached, NoProc, NotFound, open_supervisor, supervisor, worker
from otp.events import ChildPaused, ChildRestarting, ChildStarted, MaintenanceEnded, MaintenanceStarted
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, on
from otp.spec import Strategy, dynamic_supervisor
from otp.testing import Crash, EventRecorder, Finish, Probe, Refuse

SOON = FailurePolicy(otherwise=RestartAfter(Backoff(5.0, jitter=0.0)))


async def turns(count=10):
    for _ in range(count):
        await anyio.sleep(0)


def nested(*probes, **options):
    """The probes two supervisors below the root."""
    low = supervisor("low", children=[probe.spec() for probe in probes], intensity=0, **options)
    return supervisor("root", children=[supervisor("mid", children=[low], intensity=0)], intensity=0)


def states(root):
    return {child.path: str(child.state) for child in root.walk()}


async def test_a_child_under_maintenance_goes_on_running_is_left_down_when_it_crashes_and_is_started_afterwards():
    events, a, b = EventRecorder(), Probe("a"), Probe("b")
    async with open_supervisor(supervisor("root", children=[a.spec(), b.spec()], intensity=0), hooks=[events]) as root:
        await root.pause("a")
        assert (root.child("a").state, root.child("a").paused, root.child("b").paused) == ("running", True, False)
        a.crash(ValueError("boom"))
        told = await events.wait_for(ChildPaused)
        assert (told.path, told.exit.error, told.exit.crash.message) == ("root/a", None, "boom")
        await turns()
        assert (root.child("a").state, a.alive, b.starts) == ("paused", 0, 1)
        await root.resume("a")
        await turns()
        assert (root.child("a").state, root.child("a").crashes, a.starts, b.starts) == ("running", 1, 2, 1)
        assert not root.child("a").paused


async def test_maintenance_is_told_once_for_the_path_that_was_asked_for_and_before_what_follows():
    events, a, b = EventRecorder(), Probe("a"), Probe("b")
    async with open_supervisor(nested(a, b), hooks=[events]) as root:
        for _ in range(2):
            await root.pause("mid")
        a.crash()
        await events.wait_for(ChildPaused)
        for _ in range(2):
            await root.resume("mid")
        await events.wait_for(ChildStarted, "root/mid/low/a", count=2)
    told = [
        e for e in events.events if isinstance(e, MaintenanceStarted | MaintenanceEnded | ChildPaused | ChildRestarting)
    ]
    assert [(type(event).__name__, event.path) for event in told] == [
        ("MaintenanceStarted", "root/mid"),
        ("ChildPaused", "root/mid/low/a"),
        ("MaintenanceEnded", "root/mid"),
        ("ChildRestarting", "root/mid/low/a"),
    ]


async def test_maintenance_of_a_part_is_news_after_that_of_the_whole_and_only_while_it_changes_something():
    events, a, b = EventRecorder(), Probe("a"), Probe("b")
    async with open_supervisor(nested(a, b), hooks=[events]) as root:
        await root.resume()
        await root.pause()
        await root.pause("mid/low/a")
        await root.resume("mid/low/a")
        await root.pause()
        await turns()
    told = [e for e in events.events if isinstance(e, MaintenanceStarted | MaintenanceEnded)]
    assert [(type(event).__name__, event.path) for event in told] == [
        ("MaintenanceStarted", "root"),
        ("MaintenanceEnded", "root/mid/low/a"),
        ("MaintenanceStarted", "root"),
    ]


@pytest.mark.parametrize("path", ["", "mid", "mid/low"])
async def test_a_supervisor_is_paused_with_all_below_it(path):
    a, b = Probe("a"), Probe("b")
    async with open_supervisor(nested(a, b)) as root:
        await root.pause(path)
        a.crash()
        b.finish()
        await turns()
        assert states(root) == {
            "root/mid": "running",
            "root/mid/low": "running",
            "root/mid/low/a": "paused",
            "root/mid/low/b": "paused",
        }
        await root.resume(path)
        await turns()
        assert set(states(root).values()) == {"running"}
        assert not any(child.paused for child in root.walk())


@pytest.mark.parametrize("path", ["", "mid", "mid/low"])
async def test_after_maintenance_failures_escalate_as_ever(path):
    a = Probe("a")
    with anyio.fail_after(5), pytest.raises(IntensityReached):
        async with open_supervisor(nested(a)) as root:
            await root.pause(path)
            await root.resume(path)
            a.crash()
            await anyio.sleep_forever()


async def test_the_handle_of_a_supervisor_below_pauses_that_supervisor():
    events, a = EventRecorder(), Probe("a")
    async with open_supervisor(nested(a), hooks=[events]) as root:
        await root.supervisor("mid/low").pause()
        assert [child.paused for child in root.walk()] == [False, True, True]
        await root.supervisor("mid").resume("low/a")
        assert [child.paused for child in root.walk()] == [False, True, False]
        await turns()
        assert [event.path for event in events.of(MaintenanceStarted)] == ["root/mid/low"]


async def test_maintenance_outlasts_restarts_of_the_supervisor_above():
    a, b = Probe("a"), Probe("b")
    low = supervisor("low", children=[a.spec(), b.spec()], intensity=0)
    async with open_supervisor(supervisor("root", children=[low])) as root:
        await root.pause("low/a")
        a.crash()
        await turns()
        b.crash()
        await turns()
        assert (root.child("low").crashes, b.starts, a.starts) == (1, 2, 1)
        assert (root.child("low/a").state, root.child("low/a").paused) == ("paused", True)
        await root.restart("low")
        assert (a.starts, b.starts) == (1, 3)
        await root.resume("low/a")
        await turns()
        assert (root.child("low/a").state, root.child("low/a").generation, a.alive) == ("running", 2, 1)


async def test_a_supervisor_that_fails_under_maintenance_of_its_own_is_left_down_and_comes_back_with_its_children():
    a, b = Probe("a"), Probe("b")
    low = supervisor("low", children=[a.spec(), b.spec()], intensity=0)
    async with open_supervisor(supervisor("root", children=[low], intensity=0)) as root:
        await root.pause("low")
        await root.resume("low/a")
        await root.resume("low/b")
        a.crash()
        await turns()
        assert (states(root), a.alive, b.alive) == ({"root/low": "paused"}, 0, 0)
        await root.resume("low")
        await turns()
        assert (set(states(root).values()), a.starts, b.starts) == ({"running"}, 2, 2)
        assert not any(child.paused for child in root.walk())


@pytest.mark.parametrize("then", ["pause", "resume"])
async def test_what_is_below_a_supervisor_that_is_down_is_paused_and_resumed_as_well(then):
    a, b = Probe("a"), Probe("b")
    low = supervisor("low", children=[a.spec(), b.spec()])
    async with open_supervisor(supervisor("root", children=[supervisor("mid", children=[low])])) as root:
        await root.pause("mid/low/a")
        a.crash()
        await turns()
        await root.terminate_child("mid")
        await getattr(root, then)("mid")
        await root.restart_child("mid")
        await turns()
        expected = {"pause": (True, 1, 2), "resume": (False, 2, 2)}[then]
        assert (root.child("mid/low/b").paused, a.starts, b.starts) == expected
        assert root.child("mid/low/a").paused is (then == "pause")


async def test_children_that_are_added_under_maintenance_are_under_it_too():
    pool = dynamic_supervisor("pool", intensity=0)
    x, y = Probe("x"), Probe("y")
    async with open_supervisor(supervisor("root", children=[pool], intensity=0)) as root:
        await root.pause("pool")
        await root.start_child(x.spec(), under="pool")
        await root.restart("pool")
        await root.start_child(y.spec(), under="pool")
        y.crash()
        await turns()
        assert (root.child("pool/y").state, root.child("pool/y").paused) == ("paused", True)
        await root.start_child(supervisor("sub", children=[Probe("z").spec()]), under="pool")
        assert root.child("pool/sub/z").paused


async def test_a_fatal_failure_under_maintenance_ends_nothing():
    policy = FailurePolicy(on(ValueError, Fatal()))
    a, b = Probe("a"), Probe("b")
    low = supervisor("low", children=[a.spec(policy=policy)])
    async with open_supervisor(supervisor("root", children=[low, b.spec()])) as root:
        await root.pause("low/a")
        a.crash(ValueError("no such config"))
        await turns()
        assert states(root) == {"root/low": "running", "root/low/a": "paused", "root/b": "running"}


@pytest.mark.virtual_time
async def test_a_delay_is_off_under_maintenance_and_its_timer_with_it():
    events, a = EventRecorder(), Probe("a", Crash(OSError()), Finish(3600.0))
    async with open_supervisor(supervisor("root", children=[a.spec(policy=SOON)]), hooks=[events]) as root:
        await anyio.sleep(1.0)
        assert root.child("a").next_retry == pytest.approx(4.0)
        await root.pause("a")
        assert (root.child("a").state, root.child("a").next_retry) == ("paused", None)
        await anyio.sleep(60.0)
        assert a.starts == 1
        await root.resume("a")
        await turns()
        assert (a.starts, root.child("a").downtime) == (2, pytest.approx(61.0))
        assert [event.exit for event in events.of(ChildPaused)] == [None]


@pytest.mark.virtual_time
async def test_a_child_that_refuses_to_stop_stays_refused_under_maintenance_and_nobody_gives_up():
    a, b = Probe("a", Refuse(10.0)), Probe("b")
    low = supervisor("low", children=[a.spec(shutdown=1.0)])
    async with open_supervisor(supervisor("root", children=[low, b.spec()])) as root:
        await root.pause("low")
        root._supervisor(("low",)).stop()  # it ends by itself, as far as the root knows
        await anyio.sleep(5.0)
        assert (root.child("low").state, b.alive) == ("refused", 1)
        await anyio.sleep(10.0)
        assert (root.child("low").state, a.alive) == ("stopped", 0)


async def test_a_reset_forgives_a_supervisor_and_all_below_it_and_leaves_the_others():
    policy = FailurePolicy(on(ValueError, Limited(1, within=60.0, then=GiveUp())))
    a, b = Probe("a"), Probe("b")
    low = supervisor("low", children=[a.spec(policy=policy)], intensity=1)
    async with open_supervisor(supervisor("root", children=[low, b.spec(policy=policy)])) as root:
        for crashes in (1, 2):
            a.crash(ValueError())
            await turns()
            assert (root.child("low/a").streak, root.child("low/a").crashes) == (1, crashes)
            await root.reset("low")
            assert (root.child("low/a").streak, root.child("low/a").crashes) == (0, crashes)
        for _ in range(2):
            b.crash(ValueError())
            await turns()
        await root.reset("low")
        assert root.child("b").state == "failed"
        await root.reset()
        assert (root.child("b").state, root.child("b").streak) == ("failed", 0)


async def test_a_reset_reaches_those_below_a_supervisor_that_is_down():
    a = Probe("a")
    low = supervisor("low", children=[a.spec()])
    async with open_supervisor(supervisor("root", children=[low])) as root:
        a.crash()
        await turns()
        await root.terminate_child("low")
        await root.reset("low")
        await root.restart_child("low")
        assert (root.child("low/a").streak, root.child("low/a").crashes) == (0, 1)


async def test_a_reset_tells_nobody_that_maintenance_starts_or_ends():
    events, a = EventRecorder(), Probe("a")
    async with open_supervisor(nested(a), hooks=[events]) as root:
        await root.pause("mid")
        await root.reset()
        await turns()
        assert [child.paused for child in root.walk()] == [True, True, True]
        assert (len(events.of(MaintenanceStarted)), events.of(MaintenanceEnded)) == (1, [])


async def test_unknown_names_are_not_found_and_tell_nobody():
    events, a = EventRecorder(), Probe("a")
    async with open_supervisor(nested(a), hooks=[events]) as root:
        for ask in (root.pause, root.resume, root.reset):
            with pytest.raises(NotFound, match="root/x: no such child; it has mid"):
                await ask("x")
            with pytest.raises(NotFound, match="root/mid/x"):
                await ask("mid/x/a")
        await turns()
        assert events.of(MaintenanceStarted) == []


async def test_below_a_supervisor_that_is_not_running_nothing_can_be_named():
    async with open_supervisor(nested(Probe("a"))) as root:
        await root.terminate_child("mid/low")
        for ask in (root.pause, root.resume, root.reset):
            with pytest.raises(NoProc, match="root/mid/low"):
                await ask("mid/low/a")


async def test_a_tree_that_has_ended_is_not_running():
    async with open_supervisor(nested(Probe("a"))) as root:
        pass
    for ask in (root.pause, root.resume, root.reset):
        with pytest.raises(NoProc):
            await ask()


async def test_a_child_may_pause_itself_before_it_ends():
    handles = []

    async def careful():
        while not handles:
            await anyio.sleep(0)
        await handles[0].pause("a")
        raise RuntimeError("in the middle of it")

    async with open_supervisor(supervisor("root", children=[worker("a", careful)], intensity=0)) as root:
        handles.append(root)
        await turns()
        assert root.child("a").state == "paused"


@pytest.mark.parametrize("strategy", Strategy)
async def test_the_end_of_maintenance_of_all_restarts_each_group_once(strategy):
    journal = []
    probes = [Probe(name, journal=journal) for name in "abc"]
    async with open_supervisor(nested(*probes, strategy=strategy)) as root:
        await root.pause()
        for probe in probes:
            probe.crash()
        await turns()
        journal.clear()
        await root.resume()
        await turns()
        assert sorted(journal) == ["start a", "start b", "start c"]
