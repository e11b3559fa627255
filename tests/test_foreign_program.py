"""What a program hands to `run` and `serve` beside its tree, and the function that builds the tree: if it fails, the
program ends in order, says who it was, and its exit code is not 0."""

import sys
from functools import partial

import anyio
import pytest
from loguru import logger

from otp import supervisor
from otp.application.entry import serve
from otp.errors import LoadError
from otp.events import CallbackFailed, ChildStarted, SupervisorExited
from otp.exits import Shutdown
from otp.loading import load
from tests.runtime.foreign_matrix import BEHAVIOURS, Cell

PROGRAM = [(place, behaviour) for place in ("opened", "beside") for behaviour in BEHAVIOURS]
FAILED = 70


def named(part):
    return getattr(part, "name", part)


@pytest.fixture
def log():
    lines = []
    sink = logger.add(lines.append, format="{level} {message}", level="ERROR")
    yield lines
    logger.remove(sink)


async def serving(place, cell):
    """Serve a tree with the foreign code in this place, and stop it once its child has been restarted."""

    def opened(root):
        cell.root = root
        return cell() if place == "opened" else None

    async def live():
        await cell.called.wait()
        if not (cell.behaviour.ends or cell.behaviour.fails):
            await cell.events.wait_for(ChildStarted, "root/a")
            await cell.shows_life()
            cell.root.stop()

    tree = supervisor("root", children=[cell.a.spec(), cell.b.spec()])
    cell.beside.start_soon(live)
    return await serve(
        tree,
        hooks=[cell.events],
        opened=opened,
        beside=[cell.awaited] if place == "beside" else (),
        control=False,
        loop_watch=None,
    )


@pytest.mark.parametrize(("place", "behaviour"), PROGRAM, ids=named)
async def test_a_function_beside_the_tree_that_fails_ends_the_program_in_order(place, behaviour, recwarn, log):
    raised, code = None, None
    with anyio.fail_after(20):
        async with anyio.create_task_group() as beside:
            cell = Cell(behaviour, beside)
            try:
                code = await serving(place, cell)
            except SystemExit as interrupt:
                raised = interrupt
            beside.cancel_scope.cancel()
    assert [type(event.exit) for event in cell.events.of(SupervisorExited, "root")] == [Shutdown]
    assert (cell.a.alive, cell.b.alive) == (0, 0)
    assert recwarn.list == []
    if behaviour.ends == "interrupt":
        assert raised.code == 3
        return
    assert code == (FAILED if behaviour.fails else 0)
    told = [(event.role, event.path) for event in cell.events.of(CallbackFailed)]
    assert told == ([(f"{place}=", "root")] if behaviour.fails else [])
    assert len(log) == behaviour.fails
    assert all(f"CRITICAL {place}= tests." in line and "so the tree is stopped" in line for line in log)


# ------------------------------------------------------------------------------------------------ tree()


TREE = [behaviour for behaviour in BEHAVIOURS if behaviour.name not in ("calls back into the tree", "stops the tree")]


@pytest.mark.parametrize("where", ["tree", "module"])
@pytest.mark.parametrize("behaviour", TREE, ids=named)
def test_a_function_that_builds_no_tree_is_an_error_of_loading(behaviour, where, tmp_path, monkeypatch, recwarn):
    if where == "module" and behaviour.name.startswith("returns"):
        return  # a module returns nothing
    name = f"foreign_{where}_{BEHAVIOURS.index(behaviour)}"
    call = f"BEHAVIOURS[{BEHAVIOURS.index(behaviour)}].do(None)"
    body = f"tree = {call}" if where == "module" else f"def tree():\n    return {call}"
    (tmp_path / f"{name}.py").write_text(f"from tests.runtime.foreign_matrix import BEHAVIOURS\n{body}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LoadError, match=name):
        load(f"{name}:tree")
    sys.modules.pop(name, None)
    assert recwarn.list == []


def test_ctrl_c_while_the_tree_is_built_is_ctrl_c(tmp_path, monkeypatch):
    (tmp_path / "interrupted.py").write_text("def tree():\n    raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        load("interrupted:tree")


# ------------------------------------------------------------------------------------------------ what it may do


@pytest.mark.parametrize("place", ["opened", "beside"])
async def test_it_may_return_a_task_that_runs_or_nothing(place):
    cell = Cell(next(one for one in BEHAVIOURS if one.name == "returns None"), None)
    async with anyio.create_task_group() as cell.beside:
        assert await serving(place, cell) == 0


async def test_a_tree_that_opened_stops_is_never_begun():
    cell = Cell(None, None)
    code = await serve(
        supervisor("root", children=[cell.a.spec()]),
        hooks=[cell.events],
        opened=lambda root: root.stop(),
        control=False,
        loop_watch=None,
    )
    assert code == 0
    assert cell.a.starts == 0


async def test_a_partial_of_an_async_function_may_run_beside():
    async def look(what, root):
        seen.append((what, root.path))
        root.stop()

    seen = []
    tree = supervisor("root")
    assert await serve(tree, beside=[partial(look, 1)], control=False, loop_watch=None) == 0
    assert seen == [(1, "root")]
