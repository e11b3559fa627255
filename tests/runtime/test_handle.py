"""The handle: requests and looks by path, through supervisors under supervisors (S49-S56)."""

import math

import anyio
import pytest
from msgspec.structs import replace

from otp import (
    AlreadyPresent,
    AlreadyStarted,
    MaxChildren,
    NoProc,
    NotFound,
    NotSupported,
    Running,
    SpecError,
    StartError,
    StartTimeout,
    open_supervisor,
    supervisor,
    worker,
)
from otp.events import ChildStarted
from otp.spec import Restart, Strategy, dynamic_supervisor
from otp.testing import Act, EventRecorder, FailStart, Hang, IgnoreStart, Probe, Run


def nested(probe):
    return supervisor("root", children=[supervisor("mid", children=[supervisor("low", children=[probe.spec()])])])


async def turns(count=5):
    for _ in range(count):
        await anyio.sleep(0)


async def test_requests_reach_a_child_by_its_path_through_all_levels():
    a = Probe("a")
    async with open_supervisor(nested(a)) as root:
        assert await root.restart("mid/low/a") == 2
        await root.terminate_child("mid/low/a")
        assert root.child("mid/low/a").state == "stopped"
        assert await root.restart_child("mid/low/a") == 3
        await root.terminate_child("mid/low/a")
        await root.delete_child("mid/low/a")
        assert root.which_children("mid/low") == ()
        assert await root.start_child(Probe("b").spec(), under="mid/low") == 1
        assert root.child("mid/low/b").path == "root/mid/low/b"


async def test_a_handle_of_a_supervisor_below_names_its_children_from_there():
    a = Probe("a")
    async with open_supervisor(nested(a)) as root:
        low = root.supervisor("mid").supervisor("low")
        assert low.path == "root/mid/low"
        assert (await low.restart("a"), low.child("a").generation) == (2, 2)
        await low.start_child(Probe("b").spec())
        assert [child.id for child in low.which_children()] == ["a", "b"]


async def test_a_handle_stays_valid_when_its_supervisor_is_restarted():
    a = Probe("a")
    async with open_supervisor(nested(a)) as root:
        low = root.supervisor("mid/low")
        await root.restart("mid")
        assert low.child("a").generation == 2
        assert await low.restart("a") == 3


async def test_a_supervisor_can_be_terminated_and_restarted_as_any_child():
    a = Probe("a")
    async with open_supervisor(nested(a)) as root:
        low = root.supervisor("mid/low")
        await root.terminate_child("mid/low")
        assert a.alive == 0
        for looks in (low.which_children, low.count_children, lambda: low.child("a"), lambda: list(low.walk())):
            with pytest.raises(NoProc, match="root/mid/low: the supervisor is not running"):
                looks()
        with pytest.raises(NoProc):
            await low.restart("a")
        with pytest.raises(NoProc):
            await root.start_child(Probe("b").spec(), under="mid/low")
        await root.restart_child("mid/low")
        assert low.child("a").state == "running"


async def test_unknown_names_are_not_found_and_the_known_ones_are_listed():
    async with open_supervisor(nested(Probe("a"))) as root:
        for path, message in {
            "x": r"root/x: no such child; it has mid",
            "mid/low/b": r"root/mid/low/b: no such child; it has a",
            "mid/x/a": r"root/mid/x: no such child; it has low",
        }.items():
            for ask in (root.restart, root.terminate_child, root.restart_child, root.delete_child):
                with pytest.raises(NotFound, match=message):
                    await ask(path)
            with pytest.raises(NotFound, match=message):
                root.child(path)
        with pytest.raises(NotFound, match="root/x"):
            root.supervisor("x")
        with pytest.raises(NotFound, match="root/x"):
            await root.start_child(Probe("b").spec(), under="x")


async def test_a_worker_has_no_children():
    async with open_supervisor(nested(Probe("a"))) as root:
        with pytest.raises(NotSupported, match="root/mid/low/a"):
            root.which_children("mid/low/a")
        with pytest.raises(NotSupported, match="name a supervisor"):
            await root.start_child(Probe("b").spec(), under="mid/low/a")


@pytest.mark.parametrize("path", ["", "/"])
async def test_the_supervisor_itself_is_not_its_own_child(path):
    async with open_supervisor(nested(Probe("a"))) as root:
        for ask in (root.restart, root.terminate_child, root.restart_child, root.delete_child):
            with pytest.raises(NotSupported, match="name one of its children"):
                await ask(path)


async def test_slashes_at_the_ends_of_a_path_do_not_matter():
    async with open_supervisor(nested(Probe("a"))) as root:
        assert root.child("/mid/low/a/").id == "a"


async def test_the_life_of_a_child_by_request_with_all_its_refusals():
    a = Probe("a")
    async with open_supervisor(supervisor("root")) as root:
        assert await root.start_child(a.spec()) == 1
        with pytest.raises(AlreadyStarted):
            await root.start_child(a.spec())
        with pytest.raises(Running):
            await root.restart_child("a")
        with pytest.raises(Running):
            await root.delete_child("a")
        await root.terminate_child("a")
        await root.terminate_child("a")
        with pytest.raises(AlreadyPresent):
            await root.start_child(a.spec())
        assert await root.restart_child("a") == 2
        await root.terminate_child("a")
        await root.delete_child("a")
        with pytest.raises(NotFound):
            await root.delete_child("a")


@pytest.mark.parametrize(
    ("act", "options", "error"),
    [
        (FailStart(KeyError("k")), {}, StartError),
        (Hang(), {"start_timeout": 0.01}, StartTimeout),
    ],
    ids=["fails", "hangs"],
)
async def test_a_start_by_request_that_fails_is_raised_and_leaves_nothing_s49_s51(act: Act, options, error):
    bad = Probe("bad", Run(), act)
    async with open_supervisor(supervisor("root", intensity=0)) as root:
        with pytest.raises(error):
            await root.start_child(Probe("new", act).spec(**options))
        assert root.which_children() == ()
        await root.start_child(bad.spec(**options))
        await root.terminate_child("bad")
        with pytest.raises(error):
            await root.restart_child("bad")
        assert root.child("bad").state == "stopped"


async def test_the_cause_of_a_failed_start_is_its_cause():
    error = KeyError("k")
    async with open_supervisor(supervisor("root")) as root:
        with pytest.raises(StartError) as raised:
            await root.start_child(Probe("a", FailStart(error)).spec())
        assert raised.value.__cause__ is error
        assert raised.value.path == "root/a"


async def test_a_start_by_request_that_ignores_gives_none():
    async with open_supervisor(supervisor("root")) as root:
        assert await root.start_child(Probe("a", IgnoreStart()).spec()) is None
        assert root.child("a").state == "done"


async def test_a_child_that_cannot_stand_under_this_supervisor_is_refused_before_it_starts():
    a = Probe("a")
    async with open_supervisor(supervisor("root")) as root:
        with pytest.raises(SpecError, match="auto_shutdown=never"):
            await root.start_child(a.spec(significant=True, restart=Restart.TRANSIENT))
        with pytest.raises(SpecError, match="expected specs, got"):
            await root.start_child(a)
        assert a.starts == 0


async def test_a_dynamic_supervisor_takes_any_spec_up_to_its_limit_and_keeps_none_that_is_down():
    one, two = Probe("one"), Probe("two")
    async with open_supervisor(dynamic_supervisor("root", max_children=2)) as root:
        await root.start_child(one.spec(restart=Restart.TRANSIENT))
        await root.start_child(supervisor("two", children=[two.spec()]))
        with pytest.raises(MaxChildren, match="max_children=2"):
            await root.start_child(Probe("three").spec())
        one.finish()
        await turns()
        assert [child.id for child in root.which_children()] == ["two"]
        for ask in (root.restart_child, root.delete_child):
            with pytest.raises(NotSupported):
                await ask("two")
        await root.terminate_child("two")
        assert root.which_children() == ()


@pytest.mark.parametrize(
    ("strategy", "starts"),
    [(Strategy.ONE_FOR_ONE, (1, 2, 1)), (Strategy.REST_FOR_ONE, (1, 2, 2)), (Strategy.ONE_FOR_ALL, (2, 2, 2))],
)
async def test_restart_takes_along_whom_the_strategy_says(strategy, starts):
    probes = [Probe(name) for name in "abc"]
    spec = supervisor("root", intensity=0, strategy=strategy, children=[p.spec() for p in probes])
    async with open_supervisor(spec) as root:
        assert await root.restart("b") == 2
        assert tuple(p.starts for p in probes) == starts
        assert root.child("b").manual == 1


async def test_restart_of_one_that_is_down_starts_it():
    a = Probe("a")
    async with open_supervisor(supervisor("root", children=[a.spec()])) as root:
        await root.terminate_child("a")
        assert await root.restart("a") == 2


async def test_a_temporary_child_cannot_be_restarted():
    async with open_supervisor(supervisor("root", children=[Probe("t").spec(restart=Restart.TEMPORARY)])) as root:
        with pytest.raises(NotSupported, match="never restarted"):
            await root.restart("t")


@pytest.mark.virtual_time
async def test_a_caller_that_gives_up_waiting_does_not_take_its_request_back():
    slow, late = Probe("slow", Run(cleanup=2.0)), Probe("late", Hang(), Run())
    async with open_supervisor(supervisor("root", children=[slow.spec()])) as root:
        with anyio.move_on_after(1):
            await root.terminate_child("slow")
        assert root.child("slow").state == "stopping"
        with anyio.move_on_after(0.5):
            await root.start_child(late.spec(start_timeout=50.0))
        assert root.child("late").state == "starting"
        await anyio.sleep(2)
        assert root.child("slow").state == "stopped"
        assert await root.restart("late") == 2


async def test_a_child_may_restart_itself():
    async def restless():
        nonlocal lives
        lives += 1
        if lives == 1:
            await handles[0].restart("restless")
        await anyio.sleep_forever()

    lives, handles, events = 0, [], EventRecorder()
    async with open_supervisor(supervisor("root"), hooks=[events]) as root:
        handles.append(root)
        await root.start_child(worker("restless", restless))
        await events.wait_for(ChildStarted, "root/restless", count=2)
        await turns()
        assert lives == 2


async def test_which_children_is_in_start_order_and_shows_what_they_are_d8_s53():
    spec = supervisor("root", children=[Probe("b").spec(restart=Restart.TRANSIENT), supervisor("a")])
    async with open_supervisor(spec) as root:
        await root.start_child(Probe("c").spec())
        b, a, c = root.which_children()
        assert (b.id, b.path, b.kind, b.state, b.restart) == ("b", "root/b", "worker", "running", Restart.TRANSIENT)
        assert (b.generation, b.value, b.crashes, b.manual, b.collateral, b.downtime) == (1, 1, 0, 0, 0, 0.0)
        assert (a.id, a.kind, c.id) == ("a", "supervisor", "c")
        assert replace(root.child("b"), up=b.up) == b  # the clock may have gone on


async def test_count_children_counts_specs_and_the_living_s55():
    spec = supervisor("root", children=[Probe("a").spec(), Probe("b").spec(), supervisor("s")])
    async with open_supervisor(spec) as root:
        await root.terminate_child("a")
        counts = root.count_children()
        assert (counts.specs, counts.active, counts.supervisors, counts.workers) == (3, 2, 1, 2)
        assert root.count_children("s").specs == 0


async def test_walk_goes_through_the_tree_each_before_its_own_children():
    spec = supervisor("root", children=[supervisor("s", children=[Probe("a").spec()]), Probe("b").spec()])
    async with open_supervisor(spec) as root:
        assert [child.path for child in root.walk()] == ["root/s", "root/s/a", "root/b"]
        assert [child.path for child in root.supervisor("s").walk()] == ["root/s/a"]


async def test_get_childspec_gives_the_spec_without_the_arguments_of_a_temporary_child_s56_s60():
    async def run(number):
        await anyio.sleep_forever()

    kept, lost = worker("kept", run, 1), worker("lost", run, 2, restart=Restart.TEMPORARY, shutdown=math.inf)
    async with open_supervisor(supervisor("root", children=[kept, lost])) as root:
        assert root.get_childspec("kept") == kept
        assert root.get_childspec("lost").args == ()
        assert root.get_childspec("lost").shutdown == math.inf
