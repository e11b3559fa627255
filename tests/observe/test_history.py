"""What the history of a tree tells: counters, downtime, availability, causes."""

import math

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from otp import Restart, Strategy, dependency, open_supervisor, supervisor
from otp.core.child import ChildState
from otp.errors import FatalFailure, IntensityReached
from otp.events import (
    ChildDelayed,
    ChildExited,
    ChildFailed,
    ChildHeld,
    ChildPaused,
    ChildRestarting,
    ChildStarted,
    SupervisorExited,
)
from otp.exits import Crash as CrashText
from otp.exits import Crashed
from otp.observe.history import History
from otp.observe.incidents import Incidents
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, on
from otp.runtime.inspect import child_info
from otp.testing import Crash, EventRecorder, FailStart, Finish, Probe, Run
from tests.simulation import Simulation, stand_in

SLOWLY = FailurePolicy(on(RuntimeError, RestartAfter(Backoff(10.0, cap=80.0, jitter=0.0)), name="blip"))


@pytest.mark.virtual_time
async def test_downtime_is_measured_from_the_end_to_being_up_again_and_while_it_lasts():
    history, events = History(), EventRecorder()
    child = Probe("a", Crash(RuntimeError("boom"), after=30.0), Run())
    async with open_supervisor(supervisor("root", children=[child.spec(policy=SLOWLY)]), hooks=[history, events]):
        began = (await events.wait_for(ChildStarted, "root/a")).at
        await events.wait_for(ChildDelayed)
        await anyio.sleep(4.0)
        seen = history.child("root/a", anyio.current_time())
        assert (seen.state, seen.up) == (ChildState.BACKOFF, None)
        assert seen.down == seen.downtime == pytest.approx(4.0)
        assert seen.next_retry == pytest.approx(began + 40.0)
        assert (seen.failures, seen.crashes, seen.streak, seen.verdict) == (1, 0, 1, "blip")
        await events.wait_for(ChildStarted, "root/a", count=2)
        await anyio.sleep(60.0)
        seen = history.child("root/a", anyio.current_time())
        assert (seen.state, seen.down, seen.next_retry) == (ChildState.RUNNING, None, None)
        assert (seen.downtime, seen.up) == (pytest.approx(10.0), pytest.approx(60.0))
        assert seen.availability == pytest.approx(0.9)
        assert seen.mtbf == pytest.approx(90.0)
        assert (seen.crashes, seen.verdicts, seen.streak) == (1, {"blip": 1}, 0)  # a minute up: the streak is over


@pytest.mark.virtual_time
@pytest.mark.parametrize("policy", [None, FailurePolicy(healthy_after=5.0), FailurePolicy(healthy_after=200.0)])
async def test_a_streak_is_over_when_the_childs_own_policy_says_so_in_history_incidents_and_handle_alike(policy):
    history, incidents, events = History(), Incidents(), EventRecorder()
    child = Probe("a", *(Crash(RuntimeError("boom"), after=1.0) for _ in range(3)), Run())
    tree = supervisor("root", children=[child.spec(policy=policy)])
    async with open_supervisor(tree, hooks=[history, incidents, events]) as root:
        up_since = (await events.wait_for(ChildStarted, "root/a", count=4)).at
        healthy_after = 60.0 if policy is None else policy.healthy_after
        for up, streak in ((1.0, 3), (healthy_after - 0.5, 3), (healthy_after + 0.5, 0)):
            await anyio.sleep(up_since + up - anyio.current_time())
            incidents.tick(anyio.current_time())
            assert root.child("a").streak == streak
            assert history.child("root/a", anyio.current_time()).streak == streak
            assert bool(incidents.open()) is bool(streak)


@pytest.mark.virtual_time
async def test_a_worker_that_hangs_has_failed_once_when_it_is_gone_and_is_up_until_then():
    history, slow = History(), Probe("a", Run(cleanup=3.0), Run())
    policy = FailurePolicy(otherwise=RestartAfter(Backoff(10.0, cap=80.0, jitter=0.0)))
    spec = supervisor("root", children=[slow.spec(watchdog=30.0, policy=policy)])
    async with open_supervisor(spec, hooks=[history]):
        await anyio.sleep(32.0)
        seen = history.child("root/a", anyio.current_time())
        assert (seen.failures, seen.down) == (0, None)
        await anyio.sleep(5.0)
        seen = history.child("root/a", anyio.current_time())
        assert (seen.failures, seen.crashes, seen.streak, seen.state) == (1, 0, 1, ChildState.BACKOFF)
        assert seen.down == pytest.approx(4.0, abs=0.01)
        assert seen.last[0].text.startswith("Hung: root/a gave no sign of life for 30 s, in Probe.")
        await anyio.sleep(10.0)
        seen = history.child("root/a", anyio.current_time())
        assert (seen.failures, seen.crashes) == (1, 1)


async def test_manual_and_collateral_restarts_have_counters_of_their_own():
    history, events = History(), EventRecorder()
    a, b = Probe("a"), Probe("b")
    tree = supervisor("root", strategy=Strategy.REST_FOR_ONE, children=[a.spec(), b.spec()])
    async with open_supervisor(tree, hooks=[history, events]) as root:
        await root.restart("a")
        await events.wait_for(ChildStarted, "root/b", count=2)
        a.crash()
        await events.wait_for(ChildStarted, "root/b", count=3)
        now = anyio.current_time()
        counted = [(c.crashes, c.manual, c.collateral, c.failures) for c in history.children(now)]
        assert counted == [(0, 0, 0, 0), (1, 1, 0, 1), (0, 0, 2, 0)]
        group = history.group("root", now)
        assert (group.children, group.crashes, group.manual, group.collateral, group.failures) == (2, 1, 1, 2, 1)


async def test_the_last_causes_are_kept_with_verdict_text_and_place_and_no_more_than_eight():
    history, events = History(), EventRecorder()
    child = Probe("a", *[Crash(ValueError(f"no {n}")) for n in range(12)], Run())
    tree = supervisor("root", intensity=20, period=60.0, children=[child.spec()])
    async with open_supervisor(tree, hooks=[history, events]):
        await events.wait_for(ChildStarted, "root/a", count=13)
        last = history.child("root/a", anyio.current_time()).last
        assert [one.text for one in last] == [f"ValueError: no {n}" for n in range(4, 12)]
        assert {(one.verdict, one.outcome) for one in last} == {("unclassified", "restarted")}
        assert last[0].frame.startswith("testing/probe.py:")


@pytest.mark.virtual_time
async def test_a_start_that_fails_and_is_tried_again_is_one_failure_each():
    history, events = History(), EventRecorder()
    child = Probe("a", Crash(RuntimeError("boom"), after=1.0), FailStart(OSError("refused")), Run())
    async with open_supervisor(supervisor("root", children=[child.spec()]), hooks=[history, events]):
        await events.wait_for(ChildStarted, "root/a", count=2)
        seen = history.child("root/a", anyio.current_time())
        assert (seen.failures, seen.crashes) == (2, 2)
        assert [one.text for one in seen.last] == ["RuntimeError: boom", "OSError: refused"]


@pytest.mark.virtual_time
async def test_a_parked_child_goes_on_being_down_and_its_supervisor_degraded():
    history, events = History(), EventRecorder()
    child = Probe("a", Crash(ValueError("bad symbol"), after=10.0), Run())
    policy = FailurePolicy(on(ValueError, GiveUp(), name="bad_symbol"))
    sub = supervisor("sub", children=[child.spec(policy=policy), Probe("b").spec()])
    async with open_supervisor(supervisor("root", children=[sub]), hooks=[history, events]) as root:
        await events.wait_for(ChildFailed)
        await anyio.sleep(30.0)
        now = anyio.current_time()
        seen = history.child("root/sub/a", now)
        assert (seen.state, seen.down, seen.verdict) == (ChildState.FAILED, pytest.approx(30.0), "bad_symbol")
        for path in ("root", "root/sub"):
            group = history.group(path, now)
            assert group.down == ("root/sub/a",)
            assert group.degraded == pytest.approx(30.0)
            assert group.availability == pytest.approx(0.25)
        await root.restart_child("sub/a")
        await anyio.sleep(5.0)
        now = anyio.current_time()
        assert history.child("root/sub/a", now).downtime == pytest.approx(30.0)
        assert (history.group("root", now).down, history.group("root", now).degraded) == ((), pytest.approx(30.0))


@pytest.mark.virtual_time
async def test_a_child_that_ended_under_maintenance_is_down_until_that_is_over():
    history, events = History(), EventRecorder()
    child = Probe("a", Crash(ValueError("boom"), after=10.0), Run())
    async with open_supervisor(supervisor("root", children=[child.spec()]), hooks=[history, events]) as root:
        await root.pause("a")
        await events.wait_for(ChildPaused)
        await anyio.sleep(30.0)
        seen = history.child("root/a", anyio.current_time())
        assert (seen.state, seen.down, seen.verdict) == (ChildState.PAUSED, pytest.approx(30.0), "maintenance")
        assert (seen.failures, seen.crashes, seen.streak) == (1, 0, 0)
        assert seen.last[0].outcome == "paused"
        await root.resume("a")
        await anyio.sleep(5.0)
        seen = history.child("root/a", anyio.current_time())
        assert (seen.state, seen.crashes, seen.verdicts) == (ChildState.RUNNING, 1, {"maintenance": 1})
        assert seen.downtime == pytest.approx(30.0)


@pytest.mark.virtual_time
async def test_a_child_whose_delay_is_off_under_maintenance_has_no_next_try():
    history, events = History(), EventRecorder()
    child = Probe("a", Crash(ValueError("boom"), after=10.0), Run())
    policy = FailurePolicy(otherwise=RestartAfter(Backoff(20.0)))
    async with open_supervisor(
        supervisor("root", children=[child.spec(policy=policy)]), hooks=[history, events]
    ) as root:
        await anyio.sleep(11.0)
        await root.pause("a")
        await events.wait_for(ChildPaused)
        seen = history.child("root/a", anyio.current_time())
        assert (seen.state, seen.next_retry, seen.failures) == (ChildState.PAUSED, None, 1)
        assert seen.down == pytest.approx(1.0)


@pytest.mark.virtual_time
async def test_a_child_that_stays_down_over_a_restart_of_its_supervisor_is_counted_as_the_tree_counts_it():
    history = History()
    a, b = Probe("a"), Probe("b")
    sub = supervisor("sub", children=[a.spec(), b.spec()], intensity=0)
    async with open_supervisor(supervisor("root", children=[sub]), hooks=[history]) as root:
        await root.pause("sub/a")
        a.crash()
        await anyio.sleep(1.0)
        b.crash()
        await anyio.sleep(1.0)
        assert history.child("root/sub/a", anyio.current_time()).state is ChildState.PAUSED
        await root.resume("sub/a")
        await anyio.sleep(1.0)
        for path in ("sub/a", "sub/b"):
            seen, is_so = history.child(f"root/{path}", anyio.current_time()), root.child(path)
            assert (seen.crashes, seen.collateral) == (is_so.crashes, is_so.collateral)
            assert seen.downtime == pytest.approx(is_so.downtime)


@pytest.mark.virtual_time
async def test_those_below_a_supervisor_that_failed_are_down_as_long_as_it_is():
    history, events = History(), EventRecorder()
    a, b = Probe("a", Crash(RuntimeError("boom"), after=5.0), Run()), Probe("b")
    sub = supervisor(
        "sub",
        intensity=0,
        children=[a.spec(), b.spec()],
        policy=FailurePolicy(on(IntensityReached, RestartAfter(Backoff(20.0, jitter=0.0)), name="gave_up")),
    )
    async with open_supervisor(supervisor("root", children=[sub]), hooks=[history, events]):
        await events.wait_for(ChildDelayed, "root/sub")
        await anyio.sleep(8.0)
        downs = {c.path: c.down for c in history.children(anyio.current_time())}
        assert downs == {p: pytest.approx(8.0) if p != "root" else None for p in downs}
        await events.wait_for(ChildStarted, "root/sub/b", count=2)
        seen = {c.path: (c.downtime, c.collateral) for c in history.children(anyio.current_time())}
        assert seen["root/sub/a"] == (pytest.approx(20.0), 1)
        assert seen["root/sub/b"] == (pytest.approx(20.0), 1)
        assert history.child("root/sub/a", anyio.current_time()).last[-1].outcome == "gave_up"


@pytest.mark.virtual_time
async def test_what_children_need_has_a_history_too():
    async def probe():
        if not there:
            raise ConnectionError("refused")

    there = []
    history, events = History(), EventRecorder()
    child = Probe("a", Crash(ConnectionError("lost")), Run())
    tree = supervisor(
        "root", dependencies=[dependency("redis", probe, every=1.0)], children=[child.spec(needs=["redis"])]
    )
    async with open_supervisor(tree, hooks=[history, events]):
        await events.wait_for(ChildHeld)
        await anyio.sleep(3.5)
        (one,) = history.dependencies(anyio.current_time())
        assert (one.path, one.dependency, one.outages, one.last) == ("root", "redis", 1, "ConnectionError: refused")
        assert one.down == one.downtime == pytest.approx(3.5)
        assert history.child("root/a", anyio.current_time()).state is ChildState.HELD
        there.append(True)
        await events.wait_for(ChildStarted, "root/a", count=2)
        (one,) = history.dependencies(anyio.current_time())
        assert (one.down, one.downtime) == (None, pytest.approx(4.0))


@pytest.mark.virtual_time
async def test_after_the_end_of_the_tree_time_stands_still():
    history = History()
    with pytest.raises(FatalFailure):
        child = Probe("a", Crash(ValueError("no key"), after=10.0))
        policy = FailurePolicy(on(ValueError, Fatal(), name="config_error"))
        async with open_supervisor(supervisor("root", children=[child.spec(policy=policy)]), hooks=[history]):
            await anyio.sleep_forever()
    await anyio.sleep(100.0)
    seen = history.child("root/a", anyio.current_time())
    assert (seen.last[-1].outcome, seen.verdict) == ("fatal", "config_error")
    assert seen.availability == pytest.approx(1.0)


@pytest.mark.virtual_time
async def test_a_child_that_ends_as_it_should_or_is_stopped_by_request_is_not_down():
    history, events = History(), EventRecorder()
    done = Probe("done", Finish(after=1.0)).spec(restart=Restart.TRANSIENT)
    async with open_supervisor(supervisor("root", children=[done, Probe("b").spec()]), hooks=[history, events]) as root:
        await events.wait_for(ChildExited, "root/done")
        await root.terminate_child("b")
        await anyio.sleep(10.0)
        seen = history.children(anyio.current_time())
        assert [(c.state, c.down, c.downtime) for c in seen] == [
            (ChildState.RUNNING, None, 0.0),
            (ChildState.STOPPED, None, 0.0),
            (ChildState.DONE, None, 0.0),
        ]
        assert history.child("root/nobody", 0.0) is None


def started(path, generation=1, at=0.0, downtime=None):
    return ChildStarted(path=path, at=at, generation=generation, downtime=downtime)


def test_the_number_of_paths_is_bounded_and_those_that_ended_go_first():
    history = History(limit=10)
    for n in range(8):
        history(started(f"root/live{n}"))
    for n in range(1_000):
        path = f"root/conn{n}"
        history(started(path))
        crash = Crashed(None, CrashText("ValueError", "x"))
        history(ChildExited(path=path, at=1.0, generation=1, exit=crash, asked=False))
    paths = [child.path for child in history.children(1.0)]
    assert paths == ["root", "root/conn999", *(f"root/live{n}" for n in range(8))]
    assert history.group("root", 1.0).failures == 1_000


def test_forgetting_a_child_that_is_down_leaves_its_supervisor_whole():
    history = History(limit=3)
    down = {"generation": 2, "cause": "crash", "exit": None, "used": 1, "intensity": 1, "period": 1.0}
    history(started("root/a"))
    history(ChildRestarting(path="root/a", at=1.0, **down))
    assert history.group("root", 2.0).down == ("root/a",)
    for n in range(5):
        history(started(f"root/b{n}", at=2.0))
    assert history.group("root", 9.0).down == ()
    assert history.group("root", 9.0).degraded <= 2.0


def test_downtime_never_goes_back():
    history = History()
    down = {"generation": 2, "cause": "crash", "exit": None, "used": 1, "intensity": 1, "period": 1.0}
    history(started("root/a"))
    history(ChildRestarting(path="root/a", at=1.0, **down))
    assert history.child("root/a", 5.0).downtime == 4.0
    history(ChildExited(path="root/a", at=6.0, generation=2, exit=Crashed(None), asked=True))  # stopped on its way up
    assert history.child("root/a", 9.0).downtime == 5.0
    history(started("root/a", 3, at=10.0, downtime=9.0))  # … with its group, so that all of it was downtime
    assert history.child("root/a", 10.0).downtime == 9.0


# ------------------------------------------------------------------------------------------------ like the machine's own

POLICY = FailurePolicy(
    on(KeyError, RestartAfter(Backoff(1.0, jitter=0.0)), name="blip"),
    on(ValueError, GiveUp(), name="bad"),
    on(OSError, Limited(2, within=10.0, then=GiveUp()), name="limited"),
    on(LookupError, RestartNow(then=Backoff(0.5, jitter=0.0)), expected=True, name="announced"),
)
IMPATIENT = FailurePolicy(*POLICY.rules, healthy_after=5.0)
MOVES = st.one_of(
    st.tuples(
        st.just("crash"),
        st.sampled_from("abc"),
        st.sampled_from([KeyError, ValueError, OSError, IndexError, TypeError]),
    ),
    st.tuples(st.sampled_from(["restart", "pause", "resume", "reset", "patience"]), st.sampled_from("abc"), st.none()),
    st.tuples(st.just("wait"), st.just(""), st.sampled_from([0.1, 1.0, 7.0, 70.0])),
    st.tuples(st.just("ready"), st.just(""), st.none()),
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(Strategy), st.lists(MOVES, max_size=15))
def test_counters_and_downtime_are_those_of_the_supervisor_itself(strategy, moves):
    tree = supervisor(
        "root",
        strategy=strategy,
        intensity=1_000,
        children=[stand_in("a", policy=POLICY), stand_in("b", policy=POLICY), stand_in("c")],
    )
    history, told = History(), 0
    simulation = Simulation(tree, slow=["b"])
    simulation.begin()
    for move, id, how in [*moves, ("ready", "", None), ("wait", "", 100.0), ("ready", "", None)]:
        play(simulation, move, id, how)
        for event in simulation.events[told:]:
            history(event if getattr(event, "exit", None) is None else as_text(event))
        told = len(simulation.events)
        for child in simulation.machine.children.values():
            seen = history.child(child.path, simulation.now)
            if seen is not None:
                assert (seen.crashes, seen.manual, seen.collateral) == (child.crashes, child.manual, child.collateral)
                running = simulation.now - child.down_since if child.down_since is not None else 0.0
                assert seen.downtime <= child.downtime + running + 1e-9  # what nobody has told yet is not in it
                if child.state is not ChildState.EXITED:  # decided next
                    assert seen.streak == child_info(child, simulation.now).streak
                if child.state in (ChildState.BACKOFF, ChildState.RUNNING, ChildState.FAILED):
                    assert seen.state in (
                        child.state,
                        ChildState.PAUSED,
                    )  # resumed, it may wait for its group in silence
                    assert child.state is not ChildState.RUNNING or math.isclose(seen.downtime, child.downtime)


def play(simulation, move, id, how):
    if move == "crash" and id in simulation.up:
        simulation.crash(id, how("x"))
    elif move in ("restart", "pause", "resume", "reset") and id in simulation.machine.children:
        getattr(simulation, move)(id)
    elif move == "patience":
        simulation.replace(stand_in(id, policy=IMPATIENT))
    elif move == "wait":
        simulation.pass_time(how)
    elif move == "ready" and "b" in simulation.live and "b" not in simulation.up:
        simulation.ready("b")


def as_text(event):
    return replace(event, exit=Crashed(None, CrashText("X", "x"))) if isinstance(event.exit, Crashed) else event


async def test_counters_go_on_when_their_supervisor_is_restarted_as_the_tree_itself_counts():
    history, events = History(), EventRecorder()
    a, b = Probe("a"), Probe("b")
    inner = supervisor("inner", intensity=0, children=[a.spec()])
    sub = supervisor("sub", intensity=1, children=[inner, b.spec()])
    async with open_supervisor(supervisor("root", children=[sub]), hooks=[history, events]) as root:
        for count in (2, 3):
            a.crash()
            await events.wait_for(ChildStarted, "root/sub/inner", count=count)
        await events.wait_for(SupervisorExited, "root/sub")
        await events.wait_for(ChildStarted, "root/sub", count=2)
        now = anyio.current_time()
        for child in root.walk():
            seen = history.child(child.path, now)
            assert (seen.crashes, seen.manual, seen.collateral) == (child.crashes, child.manual, child.collateral)
