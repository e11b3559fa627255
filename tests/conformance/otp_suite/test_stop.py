"""supervisor_SUITE, group sup_stop: however children behave, the supervisor stops (S43-S46, D7)."""

import math

import anyio
import pytest

from otp import ChildRefused, Restart, Strategy, open_supervisor, supervisor, worker
from otp.core.roster import KILL_PATIENCE
from otp.events import ChildExited, SupervisorExited
from otp.events import ChildRefused as Refused
from otp.exits import Killed, Shutdown
from otp.testing import EventRecorder, Probe, Refuse, Run
from tests.conformance.otp_suite.stage import ENDINGS, end, error_of, open_dynamic, turns


def exits(events):
    return {event.path: event.exit for event in events.of(ChildExited)}


def exit_of_root(events):
    return events.of(SupervisorExited, "root")[0].exit


@pytest.mark.virtual_time
async def test_sup_stop_infinity():
    events, began = EventRecorder(), anyio.current_time()
    a, b = Probe("a", Run(cleanup=1000.0)), Probe("b", Run(cleanup=1000.0))
    sub = supervisor("sub", shutdown=math.inf, children=[b.spec(shutdown=math.inf)])
    async with open_supervisor(supervisor("root", children=[a.spec(shutdown=math.inf), sub]), hooks=[events]):
        pass
    assert exits(events) == {"root/a": Shutdown(), "root/sub": Shutdown(), "root/sub/b": Shutdown()}
    assert anyio.current_time() == pytest.approx(began + 2000.0)


@pytest.mark.virtual_time
async def test_sup_stop_timeout():
    events = EventRecorder()
    children = [Probe("a").spec(shutdown=1.0), Probe("late", Refuse(1.0 + KILL_PATIENCE / 2)).spec(shutdown=1.0)]
    async with open_supervisor(supervisor("root", children=children), hooks=[events]):
        pass
    assert exits(events) == {"root/late": Killed(), "root/a": Shutdown()}
    assert exit_of_root(events) == Shutdown()


@pytest.mark.virtual_time
async def test_sup_stop_timeout_refused_d7():
    events, a = EventRecorder(), Probe("a")
    stuck = Probe("stuck", Refuse(60.0))
    children = [a.spec(shutdown=1.0), stuck.spec(shutdown=1.0)]
    with pytest.raises(ChildRefused, match="refused to stop: root/stuck"):
        async with open_supervisor(supervisor("root", children=children), hooks=[events]):
            began = anyio.current_time()
    assert [event.path for event in events.of(Refused)] == ["root/stuck"]
    assert events.of(Refused)[0].at == pytest.approx(began + 1.0 + KILL_PATIENCE)
    assert exits(events)["root/a"] == Shutdown()
    assert events.of(SupervisorExited)[0].at == pytest.approx(began + 1.0 + KILL_PATIENCE)


@pytest.mark.virtual_time
async def test_sup_stop_timeout_dynamic():
    events = EventRecorder()
    late = [Probe(f"late{n}", Refuse(1.0 + KILL_PATIENCE / 2)).spec(shutdown=1.0) for n in range(3)]
    async with open_dynamic(Probe("a").spec(shutdown=1.0), *late, hooks=[events]):
        began = anyio.current_time()
    assert exits(events) == {"root/a": Shutdown()} | {f"root/late{n}": Killed() for n in range(3)}
    assert exit_of_root(events) == Shutdown()
    assert anyio.current_time() == pytest.approx(began + 1.0 + KILL_PATIENCE / 2)


@pytest.mark.virtual_time
async def test_sup_stop_timeout_dynamic_refused_d7():
    events = EventRecorder()
    stuck = [Probe(f"stuck{n}", Refuse(60.0)).spec(shutdown=1.0) for n in range(3)]
    with pytest.raises(ChildRefused) as raised:
        async with open_dynamic(Probe("a").spec(shutdown=1.0), *stuck, hooks=[events]):
            began = anyio.current_time()
    assert set(raised.value.paths) == {"root/stuck0", "root/stuck1", "root/stuck2"}
    assert exits(events)["root/a"] == Shutdown()
    assert events.of(SupervisorExited)[0].at == pytest.approx(began + 1.0 + KILL_PATIENCE)


async def test_sup_stop_brutal_kill():
    events = EventRecorder()
    children = [Probe("a").spec(shutdown="brutal_kill"), Probe("b").spec()]
    async with open_supervisor(supervisor("root", children=children), hooks=[events]):
        pass
    assert exits(events) == {"root/b": Shutdown(), "root/a": Killed()}


async def test_sup_stop_brutal_kill_dynamic():
    events = EventRecorder()
    probes = [Probe(f"p{n}") for n in range(10)]
    async with open_dynamic(*(p.spec(shutdown="brutal_kill") for p in probes), hooks=[events]):
        pass
    assert exits(events) == {f"root/p{n}": Killed() for n in range(10)}
    assert exit_of_root(events) == Shutdown()


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("how", ENDINGS)
@pytest.mark.parametrize("restart", Restart)
async def test_sup_stop_race(restart, how, strategy):
    async def slow():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                stopping.set()
                await go_on.wait()

    events, stopping, go_on = EventRecorder(), anyio.Event(), anyio.Event()
    racing, patient = Probe("racing"), Probe("patient")
    children = [patient.spec(restart=restart), racing.spec(restart=restart), worker("slow", slow)]
    with anyio.fail_after(5):
        async with open_supervisor(
            supervisor("root", strategy=strategy, intensity=0, children=children), hooks=[events]
        ) as root:
            root.stop()
            await stopping.wait()
            end(racing, how)
            await turns()
            go_on.set()
            await anyio.sleep_forever()
    said = {path: str(exit) for path, exit in exits(events).items()}
    assert said == {"root/racing": ENDINGS[how], "root/slow": "shutdown", "root/patient": "shutdown"}
    assert exit_of_root(events) == Shutdown()
    assert (racing.starts, patient.starts) == (1, 1)


@pytest.mark.parametrize("how", [how for how in ENDINGS if how != "kill"])
@pytest.mark.parametrize("restart", Restart)
async def test_sup_stop_non_shutdown_exit_dynamic(restart, how):
    async def answer_a_stop_with(error, *, task_status):
        task_status.started()
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            if error is not None:
                raise error from None

    events = EventRecorder()
    answering = [
        worker(f"a{n}", answer_a_stop_with, error_of(how), ready=True, restart=restart, shutdown=1.0) for n in range(3)
    ]
    async with open_dynamic(*answering, Probe("b").spec(restart=restart), hooks=[events], intensity=0):
        pass
    said = {path: str(exit) for path, exit in exits(events).items()}
    assert said == {f"root/a{n}": ENDINGS[how] for n in range(3)} | {"root/b": "shutdown"}
    assert exit_of_root(events) == Shutdown()
