"""However the program around a tree ends, the tree is stopped in order first (pitfalls 17, 20, 21; C29)."""

import asyncio

import anyio
import pytest

from otp import StartError, open_supervisor, supervisor, worker
from otp.testing import FailStart, Hang, Journal, Probe, Run

STOPPED_IN_ORDER = ["end d", "end c", "end b", "end a"]


def family(journal: Journal, *, cleanup: float = 0.0):
    """Three levels; started a, b, c, d."""
    probes = {name: Probe(name, Run(cleanup=cleanup), journal=journal) for name in "abcd"}
    inner = supervisor("inner", children=[probes["b"].spec(), supervisor("deep", children=[probes["c"].spec()])])
    return supervisor("root", children=[probes["a"].spec(), inner, probes["d"].spec()])


def ends(journal: Journal) -> Journal:
    return [line for line in journal if line.startswith("end")]


async def test_leaving_the_block_stops_the_children_last_first_and_depth_first():
    journal: Journal = []
    async with open_supervisor(family(journal)):
        assert journal == ["start a", "start b", "start c", "start d"]
    assert ends(journal) == STOPPED_IN_ORDER


async def test_an_exception_in_the_block_comes_out_as_it_was_raised_after_the_stop():
    journal: Journal = []
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as raised:
        async with open_supervisor(family(journal)):
            raise error
    assert raised.value is error
    assert ends(journal) == STOPPED_IN_ORDER


@pytest.mark.virtual_time
async def test_a_cancelled_scope_around_the_tree_stops_it_in_order_and_raises_nothing_else():
    journal: Journal = []
    with anyio.move_on_after(10) as outer:
        async with open_supervisor(family(journal, cleanup=1.0)):
            await anyio.sleep_forever()
    assert outer.cancelled_caught
    assert ends(journal) == STOPPED_IN_ORDER
    assert anyio.current_time() == pytest.approx(outer.deadline + 4.0, abs=0.01)


@pytest.mark.virtual_time
async def test_a_cancellation_while_the_tree_starts_undoes_what_has_started():
    journal: Journal = []
    a, b = Probe("a", journal=journal), Probe("b", Hang(), journal=journal)
    with anyio.move_on_after(5) as outer:
        async with open_supervisor(supervisor("root", children=[a.spec(), b.spec()])):
            raise AssertionError("the block must not begin")
    assert outer.cancelled_caught
    assert journal == ["start a", "start b", "end b", "end a"]


async def test_two_trees_one_inside_the_other_stop_from_the_inside_out():
    journal: Journal = []
    outer, inner = Probe("outer", journal=journal), Probe("inner", journal=journal)
    with anyio.CancelScope() as scope:
        async with (
            open_supervisor(supervisor("one", children=[outer.spec()])),
            open_supervisor(supervisor("two", children=[inner.spec()])),
        ):
            scope.cancel()
            await anyio.sleep_forever()
    assert journal == ["start outer", "start inner", "end inner", "end outer"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("times", [1, 2, 5])
async def test_asyncios_own_cancel_stops_in_order_however_often_it_comes(anyio_backend, times):
    journal: Journal = []
    up = asyncio.Event()

    async def program():
        async with open_supervisor(family(journal, cleanup=0.01)):
            up.set()
            await anyio.sleep_forever()

    task = asyncio.create_task(program())
    await up.wait()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.005)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert ends(journal) == STOPPED_IN_ORDER


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_asyncio_timeout_around_the_tree_is_a_timeout(anyio_backend):
    journal: Journal = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as timeout, open_supervisor(family(journal)):
            timeout.reschedule(asyncio.get_running_loop().time())
            await anyio.sleep_forever()
    assert ends(journal) == STOPPED_IN_ORDER


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("wrapped", [False, True])
async def test_an_interrupt_in_a_child_stops_the_tree_in_order_and_goes_on_upwards(interrupt, wrapped):
    journal: Journal = []
    gate = anyio.Event()

    async def interrupted():
        await gate.wait()
        raise BaseExceptionGroup("from a task group", [interrupt]) if wrapped else interrupt

    a, z = Probe("a", journal=journal), Probe("z", journal=journal)
    nested = supervisor("nested", children=[worker("i", interrupted), z.spec()])
    with pytest.raises(type(interrupt)) as raised:
        async with open_supervisor(supervisor("root", children=[a.spec(), nested])) as root:
            gate.set()
            await anyio.sleep_forever()
    assert raised.value is interrupt
    assert root is not None
    assert journal == ["start a", "start z", "end z", "end a"]  # and i was not started a second time


async def test_a_tree_that_ends_first_cancels_the_block_and_says_why():
    a = Probe("a")
    reached = False
    with pytest.raises(Exception, match="root gave up: root/a ended once more after 0 restarts") as raised:
        async with open_supervisor(supervisor("root", intensity=0, children=[a.spec()])):
            a.crash(KeyError("k"))
            await anyio.sleep_forever()
            reached = True
    assert not reached
    assert isinstance(raised.value.__cause__, KeyError)


async def test_a_block_that_fails_while_the_tree_ends_is_what_is_raised():
    a = Probe("a")
    with pytest.raises(ZeroDivisionError):
        async with open_supervisor(supervisor("root", intensity=0, children=[a.spec()])):
            a.crash()
            try:
                await anyio.sleep_forever()
            finally:
                _ = 1 / 0


async def test_stop_ends_the_block_in_silence():
    a = Probe("a")
    async with open_supervisor(supervisor("root", children=[a.spec()])) as root:
        root.stop()
        await anyio.sleep_forever()
    assert a.alive == 0


@pytest.mark.virtual_time
async def test_kill_gives_no_time_to_clean_up_and_takes_all_at_once():
    journal: Journal = []
    a, b = Probe("a", Run(cleanup=0.3), journal=journal), Probe("b", Run(cleanup=0.3), journal=journal)
    async with open_supervisor(supervisor("root", children=[a.spec(), b.spec()])) as root:
        began = anyio.current_time()
        root.kill()
        await anyio.sleep_forever()
    assert anyio.current_time() == pytest.approx(began + 0.3, abs=0.01)


async def test_a_start_that_fails_raises_its_cause_and_leaves_nothing_running():
    a, b = Probe("a"), Probe("b", FailStart(KeyError("no key")))
    with pytest.raises(StartError, match="root/b did not start: KeyError"):
        async with open_supervisor(supervisor("root", children=[a.spec(), b.spec()])):
            raise AssertionError("the block must not begin")
    assert a.alive == 0


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_by_somebody_else_is_a_crash_like_any_other(anyio_backend):
    tasks: list[asyncio.Task[None]] = []

    async def child():
        tasks.append(asyncio.current_task())
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root", children=[worker("c", child)])) as root:
        while not tasks:
            await anyio.sleep(0)
        tasks[0].cancel()
        while len(tasks) < 2:
            await anyio.sleep(0)
        assert root.child("c").crashes == 1
