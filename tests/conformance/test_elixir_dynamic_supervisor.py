"""The themes of Elixir's DynamicSupervisor suite: children that come and go under `dynamic_supervisor` (E2, D6)."""

import math

import anyio
import pytest

from otp import (
    AlreadyStarted,
    MaxChildren,
    NotFound,
    Restart,
    SpecError,
    StartError,
    dynamic_supervisor,
    open_supervisor,
    supervisor,
    worker,
)
from otp.core.roster import KILL_PATIENCE
from otp.errors import ExitShutdown
from otp.events import ChildExited
from otp.exits import Killed, Shutdown
from otp.testing import EventRecorder, FailStart, Hang, IgnoreStart, Probe, Refuse, Run
from tests.conformance.otp_suite.stage import (
    ABNORMAL,
    ENDINGS,
    NORMAL,
    counts,
    end,
    error_of,
    gives_up,
    open_dynamic,
    states,
    turns,
)

FAILS = FailStart(KeyError("k"))
UNLIMITED = {"intensity": 10**9}


async def obey():
    await anyio.sleep_forever()


def exits(events):
    return {event.path: str(event.exit) for event in events.of(ChildExited)}


# ------------------------------------------------------------------------------------------------ the supervisor


async def test_can_be_supervised_directly():
    async with open_supervisor(supervisor("root", children=[dynamic_supervisor("dynamic")])) as root:
        assert root.which_children("dynamic") == ()
        assert counts(root) == (1, 1, 1, 0)


async def test_multiple_supervisors_can_be_supervised_and_identified():
    async with open_supervisor(supervisor("root", children=[dynamic_supervisor("one")])) as root:
        await root.start_child(dynamic_supervisor("two"))
        await root.start_child(worker("a", obey), under="one")
        await root.start_child(worker("a", obey), under="two")
        assert [child.path for child in root.walk()] == ["root/one", "root/one/a", "root/two", "root/two/a"]
        with pytest.raises(AlreadyStarted):
            await root.start_child(dynamic_supervisor("two"))


def test_set_default_options():
    spec = dynamic_supervisor("d")
    assert (spec.strategy, spec.intensity, spec.period, spec.max_children) == ("one_for_one", 3, 5.0, None)
    assert (spec.restart, spec.shutdown, spec.significant) == (Restart.PERMANENT, math.inf, False)


@pytest.mark.parametrize(
    "option",
    [{"intensity": -1}, {"period": 0}, {"max_children": -1}, {"max_children": "many"}, {"max_children": 0}],
    ids=str,
)
def test_with_non_ok_init(option):
    """`max_children=0` as well, which Elixir takes: nothing could ever be started."""
    with pytest.raises(SpecError, match=f"^{next(iter(option))} of 'd': expected"):
        dynamic_supervisor("d", **option)


@pytest.mark.parametrize(
    "option", [{"strategy": "one_for_all"}, {"auto_shutdown": "any_significant"}, {"children": []}]
)
def test_with_non_ok_init_options_that_it_has_not(option):
    with pytest.raises(TypeError):
        dynamic_supervisor("d", **option)


# ------------------------------------------------------------------------------------------------ start_child


async def test_supports_any_child_spec():
    async with open_dynamic() as root:
        assert await root.start_child(worker("worker", obey)) is None
        assert await root.start_child(Probe("probe").spec()) == 1
        assert await root.start_child(supervisor("fixed", children=[worker("a", obey)])) is None
        assert await root.start_child(dynamic_supervisor("dynamic")) is None
        assert counts(root) == (4, 4, 2, 2)


async def test_with_invalid_child_spec():
    async with open_dynamic() as root:
        for spec in ({}, ("w", obey), obey):
            with pytest.raises(SpecError):
                await root.start_child(spec)
        assert counts(root) == (0, 0, 0, 0)


@pytest.mark.parametrize("shutdown", [-1, "soon", None])
def test_with_invalid_shutdown(shutdown):
    with pytest.raises(SpecError, match=r"^shutdown of 'w': expected"):
        worker("w", obey, shutdown=shutdown)


@pytest.mark.parametrize(("shutdown", "ends"), [(0, {"shutdown", "killed"}), (1, {"shutdown"})])
async def test_with_valid_shutdown(shutdown, ends):
    """Without a second to lose a child may be killed before its turn comes."""
    a, events = Probe("a"), EventRecorder()
    async with open_dynamic(a.spec(shutdown=shutdown), hooks=[events]):
        pass
    assert exits(events)["root/a"] in ends


async def test_with_different_returns():
    async def unknown(*, task_status):
        return "unknown"

    async with open_dynamic(intensity=0) as root:
        assert await root.start_child(Probe("extra").spec()) == 1
        assert await root.start_child(worker("plain", obey)) is None
        assert await root.start_child(Probe("ignore", IgnoreStart()).spec()) is None
        with pytest.raises(StartError):
            await root.start_child(Probe("error", FAILS).spec())
        with pytest.raises(StartError, match=r"returned before task_status.started\(\)"):
            await root.start_child(worker("unknown", unknown, ready=True))
        assert list(states(root)) == ["extra", "plain"]


@pytest.mark.parametrize(
    "error", [RuntimeError("oops"), ExitShutdown("oops"), BaseException("oops")], ids=["error", "exit", "throw"]
)
async def test_with_throw_error_exit(error):
    async with open_dynamic(intensity=0) as root:
        with pytest.raises(StartError, match=r"root/a did not start: .*oops") as raised:
            await root.start_child(Probe("a", FailStart(error)).spec())
        assert raised.value.__cause__ is (None if isinstance(error, ExitShutdown) else error)
        assert counts(root) == (0, 0, 0, 0)


async def test_with_max_children():
    async with open_dynamic(Probe("a").spec(), max_children=1) as root:
        with pytest.raises(MaxChildren, match="max_children=1"):
            await root.start_child(Probe("b").spec())
        await root.terminate_child("a")
        assert await root.start_child(Probe("b").spec()) == 1


# ------------------------------------------------------------------------------------------------ restarts


async def left_after(restart, how):
    """Counts and incarnations after a child has ended like that."""
    child = Probe("child")
    async with open_dynamic(child.spec(restart=restart)) as root:
        end(child, how)
        await turns()
        return counts(root), child.starts


GONE, RESTARTED = ((0, 0, 0, 0), 1), ((1, 1, 0, 1), 2)


@pytest.mark.parametrize("how", ENDINGS)
async def test_temporary_child_is_not_restarted_regardless_of_reason(how):
    assert await left_after(Restart.TEMPORARY, how) == GONE


@pytest.mark.parametrize("how", ENDINGS)
async def test_transient_child_is_restarted_unless_normal_or_shutdown(how):
    assert how in NORMAL or how in ABNORMAL
    assert await left_after(Restart.TRANSIENT, how) == (GONE if how in NORMAL else RESTARTED)


@pytest.mark.parametrize("how", ENDINGS)
async def test_permanent_child_is_restarted_regardless_of_reason(how):
    assert await left_after(Restart.PERMANENT, how) == RESTARTED


async def test_child_is_restarted_with_different_values():
    again, ignoring, failing = Probe("again"), Probe("ignoring", Run(), IgnoreStart()), Probe("failing", Run(), FAILS)
    async with open_dynamic(again.spec(), ignoring.spec(), failing.spec(), **UNLIMITED) as root:
        for child in (again, ignoring, failing):
            end(child)
        await turns()
        assert (again.starts, ignoring.starts) == (2, 2)
        assert failing.starts > 2
        assert root.child("again").value == 2
        assert list(states(root)) == ["again", "failing"]


async def test_restarting_on_init_children_counted_in_max_children():
    child = Probe("child", Run(), FAILS)
    async with open_dynamic(child.spec(), max_children=1, **UNLIMITED) as root:
        end(child)
        await turns()
        assert child.starts > 2
        with pytest.raises(MaxChildren):
            await root.start_child(Probe("b").spec())


async def test_restarting_on_exit_children_counted_in_max_children():
    child = Probe("child", Run(), Hang())
    async with open_dynamic(child.spec(), max_children=1) as root:
        end(child)
        await turns()
        assert states(root) == {"child": "starting"}
        with pytest.raises(MaxChildren):
            await root.start_child(Probe("b").spec())


async def test_restarting_a_child_with_arguments_restarts_it_with_them():
    async def run(*arguments):
        seen.append(arguments)
        if len(seen) == 1:
            raise RuntimeError("oops")
        await anyio.sleep_forever()

    seen = []
    async with open_dynamic(worker("child", run, 1, "two", restart=Restart.TRANSIENT)):
        await turns()
    assert seen == [(1, "two"), (1, "two")]


async def test_child_is_restarted_when_trying_again():
    child = Probe("child", Run(), FAILS, Run())
    async with open_dynamic(child.spec(), intensity=2) as root:
        end(child)
        await turns()
        assert (child.starts, counts(root)) == (3, (1, 1, 0, 1))


@pytest.mark.parametrize("intensity", [0, 1])
async def test_child_triggers_maximum_restarts(intensity):
    child = Probe("child")
    with gives_up("root/child"):
        async with open_dynamic(child.spec(), intensity=intensity):
            for _ in range(intensity):
                end(child)
                await turns()
            assert child.alive == 1
            end(child)
            await anyio.sleep_forever()
    assert (child.starts, child.alive) == (1 + intensity, 0)


@pytest.mark.parametrize("intensity", [1, 10])
async def test_child_triggers_maximum_intensity_when_trying_again(intensity):
    child = Probe("child", Run(), FAILS)
    with gives_up("root/child"):
        async with open_dynamic(child.spec(), intensity=intensity):
            end(child)
            await anyio.sleep_forever()
    assert child.starts == 1 + intensity


# ------------------------------------------------------------------------------------------------ the end


async def answer_a_stop_with(error, *, task_status):
    task_status.started()
    try:
        await anyio.sleep_forever()
    except anyio.get_cancelled_exc_class():
        if error is not None:
            raise error from None


async def exits_of_three(run, *args, **options):
    events = EventRecorder()
    children = [worker(f"c{n}", run, *args, **options) for n in range(3)]
    async with open_dynamic(*children, hooks=[events]):
        await turns()
    said = exits(events)
    assert set(said) == {"root/c0", "root/c1", "root/c2"}
    return set(said.values())


async def test_terminates_children_with_brutal_kill():
    assert await exits_of_three(obey, shutdown="brutal_kill") == {"killed"}


@pytest.mark.parametrize("shutdown", [math.inf, 1.0])
async def test_terminates_children_with_shutdown(shutdown):
    assert await exits_of_three(obey, shutdown=shutdown) == {"shutdown"}


@pytest.mark.parametrize("how", ["shutdown_term", "abnormal"])
@pytest.mark.parametrize("shutdown", [math.inf, 1.0])
async def test_terminates_children_with_shutdown_and_another_reason(shutdown, how):
    said = await exits_of_three(answer_a_stop_with, error_of(how), ready=True, shutdown=shutdown)
    assert said == {ENDINGS[how]}


async def test_terminates_children_with_permanent_restart_and_normal_reason():
    said = await exits_of_three(answer_a_stop_with, None, ready=True, shutdown=math.inf, restart=Restart.PERMANENT)
    assert said == {"returned"}


@pytest.mark.virtual_time
async def test_terminates_children_with_expired_shutdown():
    events, late = EventRecorder(), Probe("late", Refuse(1.0 + KILL_PATIENCE / 2))
    children = [child.spec(shutdown=1.0) for child in (Probe("a"), late, Probe("b"))]
    async with open_dynamic(*children, hooks=[events]):
        pass
    assert exits(events) == {"root/a": "shutdown", "root/late": "killed", "root/b": "shutdown"}


async def test_terminates_with_mixed_children():
    events = EventRecorder()
    children = [Probe("patient").spec(shutdown=math.inf), Probe("brutal").spec(shutdown="brutal_kill")]
    async with open_dynamic(*children, hooks=[events]):
        pass
    assert exits(events) == {"root/patient": "shutdown", "root/brutal": "killed"}


@pytest.mark.parametrize(("shutdown", "exit"), [("brutal_kill", Killed()), (1.0, Shutdown()), (math.inf, Shutdown())])
async def test_terminates_child(shutdown, exit):
    child, events = Probe("child"), EventRecorder()
    async with open_dynamic(child.spec(shutdown=shutdown), hooks=[events]) as root:
        await root.terminate_child("child")
        assert (await events.wait_for(ChildExited)).exit == exit
        with pytest.raises(NotFound):
            await root.terminate_child("child")
        assert (child.alive, counts(root)) == (0, (0, 0, 0, 0))


async def test_terminates_restarting_child():
    child = Probe("child", Run(), FAILS)
    async with open_dynamic(child.spec(), **UNLIMITED) as root:
        end(child)
        await turns()
        await root.terminate_child("child")
        with pytest.raises(NotFound):
            await root.terminate_child("child")
        tries = child.starts
        await turns()
        assert (child.starts, child.alive, counts(root)) == (tries, 0, (0, 0, 0, 0))
