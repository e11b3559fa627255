"""The outbox: bounded, patient with its sink, and no burden for the tree."""

import asyncio

import anyio
import pytest
from loguru import logger

from otp import open_supervisor, supervisor
from otp.events import ChildStarted
from otp.observe import outbox as outboxes
from otp.observe.outbox import Outbox, Undeliverable, open_outbox
from otp.policy import Backoff
from otp.testing import Crash, EventRecorder, Probe, Run


class Sink:
    """Takes items unless it is down; notes the times at which it was tried."""

    def __init__(self):
        self.got = []
        self.tried = []
        self.down = False
        self.hangs = False

    async def __call__(self, item):
        self.tried.append(anyio.current_time())
        if self.hangs:
            await anyio.sleep_forever()
        if self.down:
            raise ConnectionError("redis://u:canary@h refused")
        await anyio.sleep(0)
        self.got.append(item)


@pytest.fixture
def sink():
    return Sink()


async def sent(outbox, count):
    while outbox.sent < count:
        await anyio.sleep(0.01)


@pytest.mark.virtual_time
async def test_items_come_through_once_and_in_their_order(sink):
    outbox = Outbox("test", sink)
    async with open_outbox(outbox):
        for n in range(100):
            outbox.put(n)
        await sent(outbox, 100)
    assert sink.got == list(range(100))
    assert (outbox.sent, outbox.dropped, outbox.waiting) == (100, 0, 0)


@pytest.mark.virtual_time
async def test_while_the_sink_is_down_pauses_grow_and_all_is_sent_when_it_is_back(sink):
    sink.down = True
    outbox = Outbox("test", sink, backoff=Backoff(1.0, cap=8.0, jitter=0.0))
    async with open_outbox(outbox):
        began = anyio.current_time()
        for n in range(5):
            outbox.put(n)
        await anyio.sleep(32.0)
        assert [round(at - began) for at in sink.tried] == [0, 1, 3, 7, 15, 23, 31]
        assert (outbox.failures, outbox.waiting) == (7, 5)
        sink.down = False
        await sent(outbox, 5)
    assert sink.got == list(range(5))
    assert outbox.failures == 0


@pytest.mark.virtual_time
async def test_beyond_the_limit_the_oldest_are_dropped_and_counted(sink):
    sink.down = True
    outbox = Outbox("test", sink, limit=10)
    async with open_outbox(outbox):
        for n in range(1_000):
            outbox.put(n)
            if n % 100 == 0:
                await anyio.sleep(0.1)
        assert (outbox.waiting, outbox.dropped) == (10, 990)
        sink.down = False
        await sent(outbox, 10)
    assert sink.got == list(range(990, 1_000))


@pytest.mark.virtual_time
async def test_the_pauses_do_not_begin_anew_when_the_item_that_was_tried_is_dropped(sink):
    sink.down = True
    outbox = Outbox("test", sink, limit=1, backoff=Backoff(1.0, cap=1_000.0, jitter=0.0))
    async with open_outbox(outbox, patience=0.1):
        for n in range(100):
            outbox.put(n)
            await anyio.sleep(1.0)
        assert len(sink.tried) <= 8


@pytest.mark.virtual_time
async def test_a_newer_item_of_the_same_key_takes_the_place_of_the_one_that_waits(sink):
    sink.down = True
    outbox = Outbox("test", sink, limit=3)
    async with open_outbox(outbox):
        for n in range(100):
            outbox.put(("a", n), key="a")
            outbox.put(("b", n), key="b")
        outbox.put(("c", 0))
        await anyio.sleep(1.0)
        sink.down = False
        await sent(outbox, 3)
    assert sink.got == [("a", 99), ("b", 99), ("c", 0)]
    assert (outbox.sent, outbox.dropped) == (3, 0)


@pytest.mark.virtual_time
async def test_a_newer_item_is_sent_even_if_the_older_one_was_on_its_way(sink):
    outbox = Outbox("test", sink)
    async with open_outbox(outbox):
        outbox.put(1, key="a")
        while not sink.tried:
            await anyio.sleep(0)
        outbox.put(2, key="a")
        await sent(outbox, 2)
    assert sink.got == [1, 2]


@pytest.mark.virtual_time
async def test_a_sink_that_hangs_is_tried_again(sink):
    sink.hangs = True
    outbox = Outbox("test", sink, timeout=5.0)
    async with open_outbox(outbox):
        outbox.put(1)
        await anyio.sleep(7.0)
        assert outbox.failures == 1
        sink.hangs = False
        await sent(outbox, 1)


@pytest.mark.virtual_time
async def test_what_the_sink_will_never_take_does_not_hold_up_the_rest():
    got = []

    async def picky(item):
        if item == 1:
            raise Undeliverable("too long")
        got.append(item)

    outbox = Outbox("test", picky)
    async with open_outbox(outbox):
        for n in range(3):
            outbox.put(n)
        await sent(outbox, 2)
    assert (got, outbox.refused) == ([0, 2], 1)


@pytest.mark.virtual_time
async def test_the_end_sends_what_is_left_also_right_after_the_beginning(sink):
    outbox = Outbox("test", sink)
    async with open_outbox(outbox):
        outbox.put(1)
    assert sink.got == [1]
    outbox.put(2)
    assert (outbox.dropped, outbox.waiting) == (1, 0)


@pytest.mark.virtual_time
async def test_the_end_comes_in_time_also_when_the_sink_is_dead(sink):
    sink.hangs = True
    outbox = Outbox("test", sink)
    began = anyio.current_time()
    async with open_outbox(outbox, patience=3.0):
        for n in range(5):
            outbox.put(n)
        await anyio.sleep(1.0)
    assert anyio.current_time() - began == pytest.approx(4.0)
    assert (outbox.dropped, outbox.waiting) == (5, 0)


@pytest.mark.virtual_time
async def test_at_the_end_a_sink_that_comes_back_still_gets_it(sink):
    sink.down = True
    outbox = Outbox("test", sink, backoff=Backoff(0.5, cap=1_000.0))
    async with anyio.create_task_group() as group, open_outbox(outbox, patience=10.0):
        outbox.put(1)
        await anyio.sleep(300.0)  # the next try would be minutes away

        async def come_back():
            await anyio.sleep(2.0)
            sink.down = False

        group.start_soon(come_back)
    assert sink.got == [1]


@pytest.mark.virtual_time
async def test_a_cancellation_still_sends_what_is_left(sink):
    with anyio.CancelScope() as scope:
        async with open_outbox(outbox := Outbox("test", sink)):
            scope.cancel()
            outbox.put(1)
            await anyio.sleep_forever()
    assert sink.got == [1]


@pytest.mark.virtual_time
async def test_what_the_block_raises_goes_on_as_it_is(sink):
    with pytest.raises(KeyError, match="block"):
        async with open_outbox(outbox := Outbox("test", sink)):
            outbox.put(1)
            raise KeyError("block")
    assert sink.got == [1]


@pytest.mark.virtual_time
async def test_run_by_itself_ends_when_it_is_cancelled(sink):
    outbox = Outbox("test", sink)
    async with anyio.create_task_group() as group:
        await group.start(outbox.run)
        group.cancel_scope.cancel()


# ------------------------------------------------------------------------------------------------ beside a tree


async def storm(*hooks):
    """Fifty crashes with their recoveries; what happened, and when."""
    events = EventRecorder()
    child = Probe("a", *[Crash(ValueError(str(n)), after=0.5) for n in range(50)], Run())
    tree = supervisor("root", intensity=100, period=60.0, children=[child.spec()])
    async with open_supervisor(tree, hooks=[*hooks, events]):
        began = anyio.current_time()
        await events.wait_for(ChildStarted, "root/a", count=51)
    return [(type(event), event.path, round(event.at - began, 9)) for event in events.events]


@pytest.mark.virtual_time
@pytest.mark.parametrize("how", ["hangs", "down"])
async def test_a_dead_sink_delays_nothing_in_the_tree(sink, how):
    undisturbed = await storm()
    setattr(sink, how, True)
    outbox = Outbox("test", sink, limit=7)
    async with open_outbox(outbox, patience=0.1):
        assert await storm(outbox.put) == undisturbed
    assert sink.got == []
    assert outbox.dropped == len(undisturbed)


async def test_put_hands_nothing_to_the_event_loop_but_one_wakeup(sink):
    sink.hangs = True
    outbox = Outbox("test", sink, limit=5)
    async with open_outbox(outbox, patience=0.0):
        await anyio.wait_all_tasks_blocked()
        for n in range(10_000):
            assert outbox.put(n) is None
        assert sink.tried == []  # nothing ran meanwhile
        assert outbox.waiting == 5


class Own(BaseException):
    pass


@pytest.fixture
def said():
    lines = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="INFO")
    yield lines
    logger.remove(sink)


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), GeneratorExit(), Own("own"), BaseExceptionGroup("g", [Own()])]
)
async def test_whatever_a_sink_raises_it_is_down_and_the_block_goes_on(sink, error):
    failing = [error, error]

    async def send(item):
        if failing:
            raise failing.pop()
        await sink(item)

    outbox = Outbox("test", send, backoff=Backoff(1.0, jitter=0.0))
    async with open_outbox(outbox):
        outbox.put(1)
        await sent(outbox, 1)
        outbox.put(2)
        await sent(outbox, 2)
    assert (sink.got, failing) == ([1, 2], [])


async def test_an_outbox_that_somebody_else_cancels_goes_on_and_says_so(sink, anyio_backend_name, monkeypatch, said):
    if anyio_backend_name != "asyncio":
        pytest.skip("on trio nobody can cancel a task without its scope")
    monkeypatch.setattr(outboxes, "REST", 0.01)
    outbox = Outbox("test", sink)
    before = asyncio.all_tasks()
    async with open_outbox(outbox):
        outbox.put(1)
        await sent(outbox, 1)
        (task,) = asyncio.all_tasks() - before
        task.cancel()
        await anyio.sleep(0.05)
        outbox.put(2)
        with anyio.fail_after(5.0):
            await sent(outbox, 2)
    assert sink.got == [1, 2]
    assert [line for line in said if "was broken off, and goes on" in line] != []


@pytest.mark.virtual_time
async def test_what_is_dropped_is_said_once_when_the_sink_is_back_and_when_it_is_closed(sink, said):
    sink.down = True
    outbox = Outbox("test", sink, limit=2, backoff=Backoff(1.0, cap=1.0, jitter=0.0))
    async with open_outbox(outbox, patience=0.1):
        for n in range(10):
            outbox.put(n)
        await anyio.sleep(5.0)
        sink.down = False
        await sent(outbox, 2)
        await anyio.sleep(1.0)
        sink.down = True
        outbox.put("left")
        await anyio.sleep(1.0)
    assert [line for line in said if "dropped" in line] == [
        "outbox test  8 items were dropped while the sink was down, or too slow",
        "outbox test  1 item was dropped when it was closed",
    ]
