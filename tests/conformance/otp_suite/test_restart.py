"""supervisor_SUITE, the restart cases: who is restarted, in which order, and when it is too much (S21-S39)."""

import gc
import weakref

import anyio
import pytest

from otp import Restart, Strategy, open_supervisor, supervisor, worker
from otp.core.roster import KILL_PATIENCE
from otp.events import SupervisorExited
from otp.exits import Shutdown
from otp.testing import EventRecorder, FailStart, IgnoreStart, Journal, Probe, Refuse, Run
from tests.conformance.otp_suite.stage import end, gives_up, open_dynamic, states, turns

HOUR = 3600.0
FAILS = FailStart(KeyError("k"))


def probes(*plans: tuple, journal: Journal | None = None):
    """Children a, b, … with these plans."""
    return [Probe(name, *plan, journal=journal) for name, plan in zip("abcdef", plans, strict=False)]


def tree(strategy, intensity, children):
    return supervisor(
        "root", strategy=strategy, intensity=intensity, period=HOUR, children=[child.spec() for child in children]
    )


@pytest.mark.virtual_time
async def test_multiple_restarts():
    a = Probe("a")
    async with open_supervisor(supervisor("root", intensity=1, period=1.0, children=[a.spec()])) as root:
        for restarts in range(1, 6):
            await anyio.sleep(1.1)
            end(a)
            await turns()
            assert (a.starts, root.child("a").crashes) == (1 + restarts, restarts)


async def test_one_for_one():
    a, b = children = probes((), ())
    with gives_up("root/a"):
        async with open_supervisor(tree(Strategy.ONE_FOR_ONE, 2, children)):
            end(a)
            await turns()
            assert (a.starts, b.starts) == (2, 1)
            end(b)
            await turns()
            assert (a.starts, b.starts) == (2, 2)
            end(a)
            await anyio.sleep_forever()
    assert (a.starts, b.starts, a.alive, b.alive) == (2, 2, 0, 0)


async def test_one_for_one_escalation():
    a, b = children = probes((Run(), FAILS), ())
    with gives_up("root/a"):
        async with open_supervisor(tree(Strategy.ONE_FOR_ONE, 4, children)):
            end(a)
            await anyio.sleep_forever()
    assert (a.starts, b.starts, b.alive) == (1 + 4, 1, 0)


async def test_one_for_all():
    journal: Journal = []
    a, b, c = children = probes((), (), (), journal=journal)
    with gives_up("root/c"):
        async with open_supervisor(tree(Strategy.ONE_FOR_ALL, 2, children)):
            for casualty in (b, a):
                journal.clear()
                end(casualty)
                await turns()
                others = [child.name for child in (c, b, a) if child is not casualty]
                stopped = [f"end {casualty.name}", *(f"end {name}" for name in others)]
                assert journal == [*stopped, "start a", "start b", "start c"]
            end(c)
            await anyio.sleep_forever()
    assert [child.starts for child in children] == [3, 3, 3]
    assert [child.alive for child in children] == [0, 0, 0]


async def test_one_for_all_escalation():
    a, b = children = probes((), (Run(), FAILS))
    with gives_up("root/b"):
        async with open_supervisor(tree(Strategy.ONE_FOR_ALL, 4, children)):
            end(a)
            await anyio.sleep_forever()
    assert (a.starts, b.starts) == (1 + 4, 1 + 4)
    assert (a.alive, b.alive) == (0, 0)


async def test_one_for_all_other_child_fails_restart():
    journal: Journal = []
    a, b, c = children = probes((), (Run(), FAILS, Run()), (), journal=journal)
    async with open_supervisor(tree(Strategy.ONE_FOR_ALL, 2, children)):
        journal.clear()
        end(a)
        await turns()
        assert journal == [
            *("end a", "end c", "end b"),
            *("start a", "start b", "end b"),
            *("end a", "start a", "start b", "start c"),
        ]
        assert (a.alive, b.alive, c.alive) == (1, 1, 1)


async def test_simple_one_for_one():
    a, b = probes((), ())
    with gives_up("root/a"):
        async with open_dynamic(a.spec(), b.spec(), intensity=2, period=HOUR):
            end(a)
            await turns()
            end(b)
            await turns()
            assert (a.starts, b.starts) == (2, 2)
            end(a)
            await anyio.sleep_forever()
    assert (a.starts, b.starts, a.alive, b.alive) == (2, 2, 0, 0)


@pytest.mark.virtual_time
async def test_simple_one_for_one_shutdown():
    late = [Probe(f"p{n}", Refuse(1.0 + KILL_PATIENCE / 2)) for n in range(10)]
    async with open_dynamic(*(p.spec(shutdown=1.0) for p in late)):
        began = anyio.current_time()
    assert anyio.current_time() == pytest.approx(began + 1.0 + KILL_PATIENCE / 2)
    assert [p.alive for p in late] == [0] * 10


async def test_simple_one_for_one_extra():
    a, b = probes((), ())
    async with open_dynamic(a.spec(), b.spec()) as root:
        assert [child.value for child in root.which_children()] == [1, 1]
        end(b)
        await turns()
        assert [child.value for child in root.which_children()] == [1, 2]


async def test_simple_one_for_one_escalation():
    a, b = probes((Run(), FAILS), ())
    with gives_up("root/a"):
        async with open_dynamic(a.spec(), b.spec(), intensity=4, period=HOUR):
            end(a)
            await anyio.sleep_forever()
    assert (a.starts, b.starts, b.alive) == (1 + 4, 1, 0)


async def test_simple_one_for_one_corruption():
    class Argument:
        pass

    async def forget(argument):
        del argument
        await anyio.sleep_forever()

    async def started_with_an_argument(id):
        argument = Argument()
        await root.start_child(worker(id, forget, argument, restart=Restart.TEMPORARY))
        await turns()
        return weakref.ref(argument)

    first = Probe("first")
    async with open_dynamic(first.spec(restart=Restart.TEMPORARY)) as root:
        end(first)
        await turns()
        arguments = [await started_with_an_argument(f"p{n}") for n in range(3)]
        gc.collect()
        assert [argument() for argument in arguments] == [None] * 3
        assert [root.get_childspec(f"p{n}").args for n in range(3)] == [()] * 3


async def test_simple_one_for_one_restart_ignore():
    a, b = probes((Run(), IgnoreStart()), ())
    events = EventRecorder()
    async with open_dynamic(a.spec(), b.spec(), hooks=[events]) as root:
        end(a)
        await turns()
        assert a.starts == 2
        assert states(root) == {"b": "running"}
    assert [event.exit for event in events.of(SupervisorExited)] == [Shutdown()]


async def test_rest_for_one():
    journal: Journal = []
    a, b, c = children = probes((), (), (), journal=journal)
    with gives_up("root/b"):
        async with open_supervisor(tree(Strategy.REST_FOR_ONE, 3, children)):
            for casualty, group in ((b, "bc"), (c, "c"), (a, "abc")):
                journal.clear()
                end(casualty)
                await turns()
                others = [f"end {name}" for name in reversed(group) if name != casualty.name]
                assert journal == [f"end {casualty.name}", *others, *(f"start {name}" for name in group)]
            end(b)
            await anyio.sleep_forever()
    assert [child.starts for child in children] == [2, 3, 4]
    assert [child.alive for child in children] == [0, 0, 0]


async def test_rest_for_one_escalation():
    a, b, c = children = probes((), (), (Run(), FAILS))
    with gives_up("root/c"):
        async with open_supervisor(tree(Strategy.REST_FOR_ONE, 4, children)):
            end(b)
            await anyio.sleep_forever()
    assert (a.starts, b.starts, c.starts) == (1, 2, 1 + 4)
    assert [child.alive for child in children] == [0, 0, 0]


async def test_rest_for_one_other_child_fails_restart():
    journal: Journal = []
    a, b, c = children = probes((), (Run(), FAILS, Run()), (), journal=journal)
    async with open_supervisor(tree(Strategy.REST_FOR_ONE, 2, children)):
        journal.clear()
        end(a)
        await turns()
        assert journal == [
            *("end a", "end c", "end b"),
            *("start a", "start b", "end b"),
            *("start b", "start c"),
        ]
        assert (a.alive, b.alive, c.alive) == (1, 1, 1)
