"""supervisor_SUITE, the miscellaneous cases: counting, what is not kept, order, scale, looking (S53-S60)."""

import gc
import sys
import weakref

import anyio
import pytest
from msgspec.structs import replace

from otp import (
    NotFound,
    Restart,
    Strategy,
    dynamic_supervisor,
    open_supervisor,
    supervisor,
    worker,
)
from otp.testing import FailStart, Hang, IgnoreStart, Journal, Probe, Run
from tests.conformance.otp_suite.stage import ENDINGS, counts, end, open_dynamic, states, turns

TEMPORARY = Restart.TEMPORARY
FAILS = FailStart(KeyError("k"))


async def test_count_children():
    probes = [Probe(f"p{n}") for n in range(1000)]
    async with open_dynamic(*(p.spec(restart=TEMPORARY) for p in probes)) as root:
        assert counts(root) == (1000, 1000, 0, 1000)
        end(probes[0])
        await root.terminate_child("p1")
        await turns()
        assert counts(root) == (998, 998, 0, 998)


async def test_count_children_supervisor():
    workers = [Probe(f"w{n}").spec() for n in range(1000)]
    below = [supervisor(f"s{n}") for n in range(1000)]
    async with open_dynamic(*workers, *below) as root:
        assert counts(root) == (2000, 2000, 1000, 1000)
        await root.terminate_child("s7")
        assert counts(root) == (1999, 1999, 999, 1000)


async def test_count_restarting_children():
    a, b = Probe("a", Run(), FAILS, Run()), Probe("b")
    slow = Probe("slow", Run(), Hang())
    children = [a.spec(), b.spec(), slow.spec()]
    async with (
        open_supervisor(supervisor("root", strategy=Strategy.REST_FOR_ONE, children=children)) as root,
        anyio.create_task_group() as callers,
    ):
        # b takes slow along, which keeps the supervisor busy; so a's end, and a request for b, wait behind it.
        end(b)
        await turns()
        end(a)
        await turns()
        callers.start_soon(root.restart, "b")
        await turns()
        await root.terminate_child("slow")
        await turns()
        assert states(root) == {"a": "restarting", "b": "running", "slow": "starting"}
        assert counts(root) == (3, 2, 0, 3)
        callers.cancel_scope.cancel()


async def test_count_restarting_children_simple_d4():
    """A try that is under way is `starting`, so it counts as active; OTP answers only between two tries."""
    children = [Probe(name, Run(), Hang()) for name in "ab"]
    async with open_dynamic(*(child.spec() for child in children)) as root:
        for child in children:
            end(child)
        await turns()
        assert states(root) == {"a": "starting", "b": "starting"}
        assert counts(root) == (2, 2, 0, 2)


@pytest.mark.parametrize("strategy", [*Strategy, "dynamic"])
async def test_do_not_save_start_parameters_for_temporary_children(strategy):
    class Parameter:
        pass

    async def forget(parameter):
        del parameter
        await anyio.sleep_forever()

    spec = dynamic_supervisor("root") if strategy == "dynamic" else supervisor("root", strategy=strategy)
    async with open_supervisor(spec) as root:
        kept, lost = Parameter(), Parameter()
        parameters = [weakref.ref(kept), weakref.ref(lost)]
        await root.start_child(worker("kept", forget, kept))
        await root.start_child(worker("lost", forget, lost, restart=TEMPORARY))
        del kept, lost
        await turns()
        gc.collect()
        assert [parameter() is None for parameter in parameters] == [False, True]
        assert root.get_childspec("lost").args == ()


@pytest.mark.parametrize("way", ["terminate_child", "supervisor", *ENDINGS])
@pytest.mark.parametrize("strategy", Strategy)
async def test_do_not_save_child_specs_for_temporary_children(strategy, way):
    child, last = Probe("child"), Probe("last")
    inner = supervisor("inner", intensity=0, restart=TEMPORARY, children=[last.spec()])
    async with open_supervisor(supervisor("root", strategy=strategy, children=[Probe("a").spec()])) as root:
        await root.start_child(inner if way == "supervisor" else child.spec(restart=TEMPORARY))
        if way == "terminate_child":
            await root.terminate_child("child")
        elif way == "supervisor":
            end(last)
        else:
            end(child, way)
        await turns()
        assert states(root) == {"a": "running"}
        assert counts(root) == (1, 1, 0, 1)


class Calls:
    """Function calls while it is entered: what work costs, on any machine."""

    def __init__(self):
        self.count = 0

    def __enter__(self):
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def _count(self, *_):
        self.count += 1


async def cost_of_temporary_children(count):
    probes = [Probe(f"p{n}") for n in range(count)]
    with Calls() as calls:
        async with open_dynamic(*(p.spec(restart=TEMPORARY) for p in probes)) as root:
            for probe in probes:
                end(probe, "normal")
            await turns()
            assert root.which_children() == ()
    return calls.count


async def test_simple_one_for_one_scale_many_temporary_children():
    assert await cost_of_temporary_children(500) < 11 * await cost_of_temporary_children(50)


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_temporary_bystander(strategy):
    crashing, bystander = Probe("crashing"), Probe("bystander")
    children = [crashing.spec(), bystander.spec(restart=TEMPORARY)]
    async with open_supervisor(supervisor("root", strategy=strategy, children=children)) as root:
        end(crashing)
        await turns()
        assert (crashing.starts, bystander.starts, bystander.alive) == (2, 1, 0)
        assert states(root) == {"crashing": "running"}


async def test_simple_global_supervisor_by_path_d6():
    """Names are paths: they lead to the incarnation of the day, at each level of the tree."""
    a, b = Probe("a"), Probe("b")
    one = supervisor("one", intensity=1, children=[a.spec()])
    two = supervisor("two", intensity=1, children=[b.spec()])
    async with open_supervisor(supervisor("root", children=[one, two])) as root:
        below = root.supervisor("one")
        end(a)
        await turns()
        assert (root.child("one/a").value, root.child("two/b").value) == (2, 1)
        end(a)
        await turns()
        assert (root.child("one").crashes, root.child("one/a").value, below.child("a").value) == (1, 3, 3)
        assert (root.child("two").crashes, root.child("two/b").value) == (0, 1)


async def test_order_of_children():
    journal: Journal = []
    probes = [Probe(name, journal=journal) for name in "abcde"]
    spec = supervisor("root", strategy=Strategy.REST_FOR_ONE, children=[p.spec() for p in probes[:4]])
    async with open_supervisor(spec) as root:
        await root.start_child(probes[4].spec())
        assert journal == [f"start {name}" for name in "abcde"]
        journal.clear()
        end(probes[1])
        await turns()
        assert journal == [f"end {name}" for name in "bedc"] + [f"start {name}" for name in "bcde"]
        journal.clear()
    assert journal == [f"end {name}" for name in "edcba"]


async def cost_of_starting_and_stopping(count):
    probes = [Probe(f"p{n}") for n in range(count)]
    with Calls() as calls:
        async with open_supervisor(supervisor("root", children=[p.spec() for p in probes])):
            pass
    assert sum(p.alive for p in probes) == 0
    return calls.count


async def test_scale_start_stop_many_children():
    assert await cost_of_starting_and_stopping(500) < 11 * await cost_of_starting_and_stopping(50)


def timeless(child):
    return replace(child, up=None)


async def test_which_children_d8():
    a, b = Probe("a"), Probe("b", IgnoreStart())
    spec = supervisor("root", children=[a.spec(), b.spec(), supervisor("sub"), Probe("t").spec(restart=TEMPORARY)])
    async with open_supervisor(spec) as root:

        def looks():
            children = root.which_children()
            assert [timeless(root.child(child.id)) for child in children] == [*map(timeless, children)]
            return [(child.id, child.kind, str(child.state), child.value) for child in children]

        sub = ("sub", "supervisor", "running", None)
        t = ("t", "worker", "running", 1)
        b_down = ("b", "worker", "done", None)
        assert looks() == [("a", "worker", "running", 1), b_down, sub, t]
        await root.terminate_child("a")
        assert looks() == [("a", "worker", "stopped", None), b_down, sub, t]
        await root.restart_child("a")
        assert looks() == [("a", "worker", "running", 2), b_down, sub, t]
        await root.delete_child("b")
        await root.terminate_child("t")
        assert looks() == [("a", "worker", "running", 2), sub]
        await root.start_child(Probe("t").spec(restart=TEMPORARY))
        assert looks() == [("a", "worker", "running", 2), sub, t]
        for forgotten in ("b", "c"):
            with pytest.raises(NotFound):
                root.child(forgotten)


async def test_which_children_simple_one_for_one_d6():
    a, b = Probe("a"), Probe("b", Run(), Hang())
    async with open_dynamic(a.spec(), b.spec(), supervisor("sub")) as root:

        def looks():
            children = root.which_children()
            assert [timeless(root.child(child.id)) for child in children] == [*map(timeless, children)]
            return [(child.id, child.kind, str(child.state), child.value) for child in children]

        sub = ("sub", "supervisor", "running", None)
        assert looks() == [("a", "worker", "running", 1), ("b", "worker", "running", 1), sub]
        end(a)
        end(b)
        await turns()
        assert looks() == [("a", "worker", "running", 2), ("b", "worker", "starting", None), sub]
        await root.terminate_child("a")
        await root.terminate_child("b")
        assert looks() == [sub]
        with pytest.raises(NotFound):
            root.child("a")
