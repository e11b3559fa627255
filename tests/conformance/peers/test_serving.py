"""The supervisor as a server: it answers each request, one at a time, whatever comes: C33-C38."""

import asyncio
import sys
import threading

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import (
    NoProc,
    NotFound,
    StartError,
    Strategy,
    dynamic_supervisor,
    open_supervisor,
    supervisor,
    worker,
)
from otp.testing import EventRecorder, FailStart, Hang, Journal, Probe

UNLIMITED = {"intensity": 10**9, "period": 1.0}


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


def stack_depth():
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return depth


async def test_requests_for_a_group_are_handled_one_after_the_other_c33():
    journal: Journal = []
    a, b = Probe("a", journal=journal), Probe("b", journal=journal)
    spec = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=[a.spec(), b.spec()])
    async with open_supervisor(spec) as root:
        journal.clear()
        async with anyio.create_task_group() as callers:
            for name in "abab":
                callers.start_soon(root.restart, name)
        assert journal == ["end b", "end a", "start a", "start b"] * 4
        assert (a.alive, b.alive) == (1, 1)


async def test_requests_for_one_child_are_handled_one_after_the_other_c33():
    journal: Journal = []
    answers = []

    async def slow(*, task_status):
        journal.append("begin")
        try:
            await turns(3)
            task_status.started()
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await turns(3)
            journal.append("end")

    async with open_supervisor(supervisor("root", children=[worker("slow", slow, ready=True)])) as root:
        async with anyio.create_task_group() as callers:
            for _ in range(3):
                callers.start_soon(restart_or_be_overtaken, root, "slow", answers)
        await root.terminate_child("slow")
        assert journal == ["begin", "end"] * 4
        assert answers == ["overtaken", "overtaken", "restarted"]


async def restart_or_be_overtaken(root, name, answers):
    """A restart asked for while another one is starting stops that and starts anew; whoever asked first is told so."""
    try:
        await root.restart(name)
    except StartError as error:
        assert str(error).endswith("it was stopped while it was starting")
        answers.append("overtaken")
    else:
        answers.append("restarted")


async def test_a_burst_is_answered_completely_at_the_same_stack_depth_c34():
    depths, answers, refusals = set(), [], []

    async def child(n, *, task_status):
        depths.add(stack_depth())
        task_status.started(n)
        await anyio.sleep_forever()

    async def start(root, n):
        answers.append(await root.start_child(worker(f"c{n}", child, n, ready=True)))

    async def terminate(root, n):
        answers.append(await root.terminate_child(f"c{n}"))

    async def ask_in_vain(root):
        with pytest.raises(NotFound):
            await root.restart("nobody")
        refusals.append(True)

    async with open_supervisor(supervisor("root")) as root:
        async with anyio.create_task_group() as callers:
            for n in range(3_000):
                callers.start_soon(start, root, n)
            for _ in range(300):
                callers.start_soon(ask_in_vain, root)
        assert sorted(answers) == list(range(3_000))
        assert len(refusals) == 300
        assert root.count_children().active == 3_000
        answers.clear()
        async with anyio.create_task_group() as callers:
            for n in range(3_000):
                callers.start_soon(terminate, root, n)
        assert answers == [None] * 3_000
    assert len(depths) == 1


async def test_a_burst_for_one_child_is_answered_completely_and_without_recursion_c34():
    slow, answers = Probe("slow"), []

    async def terminate(root):
        answers.append(await root.terminate_child("slow"))

    async with open_supervisor(supervisor("root", children=[slow.spec()])) as root:
        limit, depth = sys.getrecursionlimit(), stack_depth()
        sys.setrecursionlimit(depth + 150)
        try:
            async with anyio.create_task_group() as callers:
                for _ in range(500):
                    callers.start_soon(restart_or_be_overtaken, root, "slow", answers)
            async with anyio.create_task_group() as callers:
                for _ in range(3_000):
                    callers.start_soon(terminate, root)
        finally:
            sys.setrecursionlimit(limit)
        assert len(answers) == 3_500
        assert (slow.alive, root.child("slow").state) == (0, "stopped")


class Awkward:
    """A value that can be neither compared, nor hashed, nor shown, nor tested, nor copied."""

    def _refuse(self, *_):
        raise RuntimeError("leave me alone")

    __eq__ = __bool__ = __repr__ = __str__ = __len__ = __iter__ = __copy__ = __deepcopy__ = __reduce__ = _refuse
    __hash__ = None


def values():
    return [
        *(None, False, 0, 0.0, "", b"", (), [], {}, set(), float("nan")),
        *(ValueError("a value"), KeyboardInterrupt("a value"), asyncio.CancelledError(), StopIteration(1)),
        *(Awkward(), threading.Lock(), (n for n in "abc"), NotImplemented, ..., object),
    ]


@pytest.mark.parametrize("value", values(), ids=lambda value: type(value).__name__)
async def test_every_request_is_answered_with_the_value_whatever_it_is_c35_c36(value):
    async def child(*, task_status):
        task_status.started(value)
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root")) as root:
        with anyio.fail_after(5):
            assert await root.start_child(worker("c", child, ready=True)) is value
            assert root.child("c").value is value
            assert await root.restart("c") is value
            await root.terminate_child("c")
            assert await root.restart_child("c") is value


async def test_an_error_of_otp_is_a_value_too_when_a_child_gives_it_c35_c36():
    value = NoProc("somewhere/else")

    async def child(*, task_status):
        task_status.started(value)
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root")) as root:
        assert await root.start_child(worker("c", child, ready=True)) is value


async def test_what_a_child_raises_is_raised_and_never_returned_c36():
    error = KeyError("of the child")
    broken = Probe("broken", Hang(), FailStart(error))
    async with open_supervisor(supervisor("root", intensity=0)) as root:
        for request in (root.start_child, root.start_child):
            with pytest.raises(StartError) as raised:
                await request(Probe("bad", FailStart(error)).spec())
            assert raised.value.__cause__ is error
        async with anyio.create_task_group() as callers:
            callers.start_soon(starts_in_vain, root, broken)
            await turns()
            await root.terminate_child("broken")
        with pytest.raises(StartError) as raised:
            await root.restart_child("broken")
        assert raised.value.__cause__ is error


async def starts_in_vain(root, probe):
    with pytest.raises(StartError):
        await root.start_child(probe.spec())


async def test_a_request_to_a_supervisor_that_has_ended_is_refused_at_once_c37():
    async with open_supervisor(
        supervisor("root", children=[supervisor("inner", children=[Probe("a").spec()])])
    ) as root:
        inner = root.supervisor("inner")
        await root.terminate_child("inner")
        assert await refusals(inner) == ["root/inner"] * 5
    assert await refusals(root) == ["root"] * 5


async def refusals(handle):
    """What five requests get; none of them may wait, so each has one step to be refused in."""
    paths = []
    new = Probe("new").spec()
    requests = [
        handle.start_child(new),
        *(ask("a") for ask in (handle.terminate_child, handle.restart_child, handle.delete_child, handle.restart)),
    ]
    for request in requests:
        try:
            request.send(None)
        except NoProc as refused:
            paths.append(refused.path)
        finally:
            request.close()
    return paths


async def test_a_request_to_a_supervisor_that_ends_meanwhile_is_refused_before_it_has_ended_c37():
    gate, refused = anyio.Event(), []

    async def slow():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await gate.wait()

    async def ask(root):
        with pytest.raises(NoProc):
            await root.start_child(Probe("new", Hang()).spec(), under="inner")
        refused.append(root.child("inner").state)

    spec = supervisor("root", children=[supervisor("inner", children=[worker("slow", slow)])])
    async with open_supervisor(spec) as root, anyio.create_task_group() as callers:
        await turns()
        callers.start_soon(ask, root)
        await turns()
        callers.start_soon(root.terminate_child, "inner")
        await turns()
        callers.start_soon(ask, root)
        await turns()
        assert refused == ["stopping", "stopping"]
        gate.set()


NAMES = [
    "a",
    "A",
    "ä",
    "日本",
    "💥",
    "..",
    ".",
    "-",
    "a.b",
    "a:b",
    "c'est",
    '"',
    "\\",
    "%s",
    "{0}",
    "__class__",
    "x" * 200,
]


async def test_any_number_of_names_of_any_form_is_found_with_whatever_stands_behind_them_c38():
    async def child(value, *, task_status):
        task_status.started(value)
        await anyio.sleep_forever()

    stored = {name: Awkward() for name in NAMES} | {f"n{n}": n for n in range(2_000)}
    async with open_supervisor(dynamic_supervisor("root")) as root:
        for name, value in stored.items():
            await root.start_child(worker(name, child, value, ready=True))
        assert all(root.child(name).value is value for name, value in stored.items())
        assert [child.id for child in root.which_children()] == list(stored)
        assert await root.restart("💥") is stored["💥"]


async def test_a_name_can_be_used_again_at_once_after_a_crash_a_stop_and_a_failed_start_c38():
    recorder = EventRecorder()
    async with open_supervisor(dynamic_supervisor("root", **UNLIMITED), hooks=[recorder]) as root:
        for _ in range(500):
            with pytest.raises(StartError):
                await root.start_child(Probe("name", FailStart(ValueError("no"))).spec())
            probe = Probe("name")
            assert await root.start_child(probe.spec()) == 1
            probe.crash()
            while probe.starts < 2:
                await checkpoint()
            await root.terminate_child("name")
            assert probe.alive == 0
        assert root.which_children() == ()
