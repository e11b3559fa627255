"""`stack`: where each worker of a running tree is, on all backends, without touching it."""

import asyncio
import threading
from contextlib import asynccontextmanager
from types import coroutine

import anyio
import pytest
import sniffio
import trio
from anyio.lowlevel import checkpoint

from otp import NotFound, open_supervisor, supervisor, worker
from otp.runtime.stack import STEPS, ChildStack, await_chain
from otp.testing import Probe
from tests.hostile import HOSTILE

ON_ASYNCIO = pytest.mark.parametrize(
    "anyio_backend", ["asyncio", ("asyncio", {"use_uvloop": True})], ids=["asyncio", "uvloop"]
)


def functions(chain):
    return [step.partition(" (")[0].rpartition(".")[2] for step in chain]


def own(chain):
    return functions(step for step in chain if __file__ in step)


async def wait():
    await anyio.sleep_forever()


async def read():
    await wait()


async def settle():
    for _ in range(5):
        await checkpoint()


async def stack_of(run, *args):
    async with open_supervisor(supervisor("root", children=[worker("w", run, *args)])) as root:
        await settle()
        return root.stack("w")


async def test_the_chain_of_a_worker_is_told_from_the_outside_in_without_our_own_steps():
    stack = await stack_of(read)
    assert stack.path == "root/w"
    assert own(stack.chain) == ["read", "wait"]
    assert stack.chain[0].startswith(f"read ({__file__}:")
    assert "sleep_forever" in functions(stack.chain)
    assert stack.tasks == ()
    assert stack.below == ()


async def test_the_line_is_that_of_the_await():
    async def two_awaits():
        await checkpoint()
        await wait()  # here

    stack = await stack_of(two_awaits)
    line = two_awaits.__code__.co_firstlineno + 2
    assert stack.chain[0].endswith(f"two_awaits ({__file__}:{line})")


async def test_tasks_below_a_worker_are_told_each_before_its_own():
    async def inner():
        async with anyio.create_task_group() as group:
            group.start_soon(wait, name="innermost")
            await read()

    async def outer():
        async with anyio.create_task_group() as group:
            group.start_soon(wait, name="b")
            group.start_soon(inner, name="a")

    stack = await stack_of(outer)
    assert own(stack.chain) == ["outer"]
    assert [(task.name, task.depth, own(task.chain)) for task in stack.tasks] == [
        ("a", 1, ["inner", "read", "wait"]),
        ("innermost", 2, ["wait"]),
        ("b", 1, ["wait"]),
    ]


async def test_the_tasks_of_another_worker_are_not_among_them():
    async def outer(name):
        async with anyio.create_task_group() as group:
            group.start_soon(wait, name=name)

    spec = supervisor("root", children=[worker("v", outer, "of v"), worker("w", outer, "of w")])
    async with open_supervisor(spec) as root:
        await settle()
        assert [task.name for task in root.stack("w").tasks] == ["of w"]


async def test_of_a_supervisor_the_stacks_of_all_workers_below_are_told():
    spec = supervisor(
        "root", children=[worker("a", wait), supervisor("sub", children=[worker("x", read), worker("y", wait)])]
    )
    async with open_supervisor(spec) as root:
        await settle()
        whole, sub = root.stack(), root.stack("sub")
        assert root.supervisor("sub").stack() == sub
        assert root.supervisor("sub").stack("x") == root.stack("sub/x")
    assert (whole.path, sub.path) == ("root", "root/sub")
    assert [one.path for one in whole.below] == ["root/a", "root/sub"]
    assert whole.below[1] == sub
    assert [(one.path, own(one.chain)) for one in sub.below] == [
        ("root/sub/x", ["read", "wait"]),
        ("root/sub/y", ["wait"]),
    ]


async def test_of_a_worker_that_is_not_up_there_is_nothing():
    probe = Probe("p")
    async with open_supervisor(supervisor("root", children=[probe.spec()])) as root:
        await root.terminate_child("p")
        assert root.stack("p") == ChildStack(path="root/p")
        assert root.stack().below == (ChildStack(path="root/p"),)


async def test_of_a_supervisor_that_is_not_up_there_is_nothing():
    async with open_supervisor(supervisor("root", children=[supervisor("sub", children=[worker("x", wait)])])) as root:
        await root.terminate_child("sub")
        assert root.stack("sub") == ChildStack(path="root/sub")


async def test_an_unknown_child_is_not_found():
    async with open_supervisor(supervisor("root", children=[worker("w", wait)])) as root:
        with pytest.raises(NotFound, match="root/v: no such child; it has w"):
            root.stack("v")


async def test_a_worker_that_looks_at_itself_awaits_nothing():
    seen = []
    roots = []

    async def curious():
        await settle()
        seen.append(roots[0].stack("w"))
        await wait()

    async with open_supervisor(supervisor("root", children=[worker("w", curious)])) as root:
        roots.append(root)
        while not seen:
            await checkpoint()
    assert seen[0].chain == ()


# ------------------------------------------------------------------------------------------------ what can be awaited


async def test_through_an_async_generator():
    async def numbers():
        await wait()
        yield 1

    async def doubled():
        async for number in numbers():
            yield 2 * number

    async def consume():
        async for _ in doubled():
            pass

    assert own((await stack_of(consume)).chain) == ["consume", "doubled", "numbers", "wait"]


async def test_through_anext_with_a_default_and_an_async_context_manager():
    async def numbers():
        await wait()
        yield 1

    @asynccontextmanager
    async def opened():
        await anext(numbers(), None)
        yield

    async def enter():
        async with opened():
            pass

    assert own((await stack_of(enter)).chain) == ["enter", "opened", "numbers", "wait"]


async def test_through_an_object_that_awaits_another_and_a_generator():
    class Wrapped:
        def __await__(self):
            return wait().__await__()

    class Delegating:
        def __await__(self):
            yield from Wrapped().__await__()

    @coroutine
    def old_style():
        yield from Delegating().__await__()

    async def start():
        await old_style()

    assert own((await stack_of(start)).chain) == ["start", "old_style", "__await__", "wait"]


async def test_while_an_async_generator_is_closed():
    async def numbers():
        try:
            yield 1
        finally:
            await wait()

    async def close():
        generator = numbers()
        await anext(generator)
        await generator.aclose()

    assert own((await stack_of(close)).chain) == ["close", "numbers", "wait"]


async def test_a_foreign_awaitable_ends_the_chain_and_is_not_asked_for_anything():
    asked = []

    class Foreign:
        def __init__(self):
            self._inner = wait().__await__()

        def __await__(self):
            return self

        def __iter__(self):
            return self

        def __next__(self):
            return next(self._inner)

        def send(self, value):
            return self._inner.send(value)

        def throw(self, *error):
            return self._inner.throw(*error)

        def close(self):
            self._inner.close()

        def __getattr__(self, name):
            asked.append(name)
            raise AttributeError(name)

    async def start():
        await Foreign()

    async with open_supervisor(supervisor("root", children=[worker("w", start)])) as root:
        await settle()
        asked.clear()
        assert own(root.stack("w").chain) == ["start"]
        assert asked == []


@ON_ASYNCIO
async def test_the_chain_goes_on_in_a_task_that_is_awaited(anyio_backend):
    async def start():
        await asyncio.create_task(read())

    assert own((await stack_of(start)).chain) == ["start", "read", "wait"]


@ON_ASYNCIO
async def test_a_future_ends_it(anyio_backend):
    async def start():
        await asyncio.get_running_loop().create_future()

    assert own((await stack_of(start)).chain) == ["start"]


async def test_a_chain_without_end_is_cut():
    async def recurse(depth):
        await (recurse(depth - 1) if depth else wait())

    chain = (await stack_of(recurse, STEPS + 50)).chain
    assert own(chain) == ["recurse"] * len(chain)
    assert STEPS - 2 < len(chain) <= STEPS


async def test_a_coroutine_that_has_ended_or_was_never_one_has_no_chain():
    ended = wait()
    ended.close()
    assert await_chain(ended) == ()
    assert await_chain(None) == ()


# ------------------------------------------------------------------------------------------------ from another thread


def soon():
    """What hands a function over to the event loop from another thread."""
    if sniffio.current_async_library() == "trio":
        return trio.lowlevel.current_trio_token().run_sync_soon
    return asyncio.get_running_loop().call_soon_threadsafe


@pytest.mark.parametrize(
    "anyio_backend", ["asyncio", ("asyncio", {"use_uvloop": True}), "trio"], ids=["asyncio", "uvloop", "trio"]
)  # no virtual clock waits for a thread
async def test_a_callback_of_the_event_loop_may_look_too(anyio_backend):
    async def outer():
        async with anyio.create_task_group() as group:
            group.start_soon(wait, name="task")

    async with open_supervisor(supervisor("root", children=[worker("w", outer)])) as root:
        await settle()
        seen, looked = [], anyio.Event()

        def look():
            try:
                seen.append(root.stack("w"))
            finally:
                looked.set()

        thread = threading.Thread(target=soon(), args=(look,))
        thread.start()
        await looked.wait()
        thread.join()
    assert [task.name for task in seen[0].tasks] == ["task"]


async def test_a_stack_is_printable_and_holds_no_secret_whatever_tasks_and_functions_are_called():
    named = f"{HOSTILE} token=canary"
    place = {"wait": wait}
    exec(compile("async def f():\n    await wait()\n", named, "exec"), place)

    async def run():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(place["f"], name=named)

    stack = await stack_of(run)
    said = [*stack.chain, *(task.name for task in stack.tasks), *(step for task in stack.tasks for step in task.chain)]
    assert any("[redacted]" in one for one in said)
    assert not any("canary" in one or not one.isprintable() for one in said), said
