"""Places where foreign code is called, times what it can do there; each cell of that matrix states what comes of it.

A place opens a tree with the foreign code in it and has it called; then comes the rest of the test. Nothing
here knows of the guard: what is expected is what somebody sees who looks at the tree from outside.
"""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from loguru import logger

from otp import FailurePolicy, Supervisor, Watchdog, dependency, log_events, supervisor
from otp.events import CallbackFailed, ChildStarted, DependencyDown, DependencyUp, HookFailed
from otp.observe.alerts import Alerts
from otp.observe.incidents import Incidents
from otp.observe.outbox import Outbox, open_outbox
from otp.policy import Backoff, GiveUp, on
from otp.runtime.open import open_tree
from otp.testing import EventRecorder, Probe

SOON = 0.05
"""Seconds until what is looked at again and again is looked at again."""


class Odd(BaseException):
    """An exception outside of every family that a rule names."""


class Silent(Exception):
    """One that does not even say what it is."""

    def __str__(self):
        raise ValueError("never ask")


class Failure(Exception):
    """What a worker fails with; `code` is foreign code."""

    def __init__(self, cell):
        super().__init__("failed")
        self.cell = cell

    @property
    def code(self):
        return self.cell()


class Value:
    """What compares itself with foreign code."""

    def __init__(self, cell):
        self.cell = cell

    def __eq__(self, _):
        return self.cell()

    def __ne__(self, _):
        return self.cell()

    __hash__ = None


# ------------------------------------------------------------------------------------------------ behaviours


def raises(make):
    def do(_):
        raise make()

    return do


def circle():
    """Who goes along its contexts, as anyio's scopes do, comes to no end."""
    error, other = asyncio.CancelledError(), ValueError()
    error.__context__, other.__context__ = other, error
    return error


async def coroutine():
    raise AssertionError("nobody awaits it")


def generator():
    yield


def call_back(cell):
    """Look at the tree, and act upon it, the first time: what acts has to be awaited, so it runs beside."""
    if cell.calls > 1:
        return
    assert cell.root.count_children().specs
    cell.beside.start_soon(cell.root.restart, "b")


def stop(cell):
    cell.root.stop()


@dataclass(frozen=True)
class Behaviour:
    """What foreign code does when it is called.

    Attributes:
        fails: it is no answer; it counts as the harmless one, and is told.
        ends: "stop": the tree stops in order; "interrupt": and `SystemExit` goes on upwards.
    """

    name: str
    do: Callable[[Any], Any]
    fails: bool = True
    ends: str = ""


BEHAVIOURS = (
    Behaviour("raises an Exception", raises(lambda: ValueError("no"))),
    Behaviour("raises StopIteration", raises(StopIteration)),
    Behaviour("raises CancelledError", raises(asyncio.CancelledError)),
    Behaviour("raises CancelledError in a circle of contexts", raises(circle)),
    Behaviour("raises GeneratorExit", raises(GeneratorExit)),
    Behaviour("raises a BaseException of its own", raises(Odd)),
    Behaviour("raises a group of those", raises(lambda: BaseExceptionGroup("", [Odd(), asyncio.CancelledError()]))),
    Behaviour("raises what cannot be printed", raises(Silent)),
    Behaviour("returns a coroutine", lambda _: coroutine()),
    Behaviour("returns a generator", lambda _: generator()),
    Behaviour("returns None", lambda _: None, fails=False),
    Behaviour("returns an object", lambda _: object(), fails=False),
    Behaviour("calls back into the tree", call_back, fails=False),
    Behaviour("stops the tree", stop, fails=False, ends="stop"),
    Behaviour("raises SystemExit", raises(lambda: SystemExit(3)), ends="interrupt"),
    Behaviour(
        "raises SystemExit in a group", raises(lambda: BaseExceptionGroup("", [SystemExit(3)])), ends="interrupt"
    ),
)


class Cell:
    """Foreign code that behaves, until it is well.

    Attributes:
        root: the handle of the tree.
        beside: a task group.
        events: what was told.
        a: a child that has nothing to do with it.
        w: the child that the foreign code is about.
        calls: how often it was called.
    """

    def __init__(self, behaviour, beside):
        self.behaviour = behaviour
        self.beside = beside
        self.events = EventRecorder()
        self.a, self.b, self.w = Probe("a"), Probe("b"), Probe("w")
        self.root = None
        self.calls = 0
        self.called = anyio.Event()
        self.well = False

    def __call__(self, *_):
        if self.well:
            return None
        self.calls += 1
        self.called.set()
        return self.behaviour.do(self)

    async def awaited(self, *_):
        """The same for where it is awaited: a `CancelledError` is that of a task which somebody has cancelled."""
        await anyio.lowlevel.checkpoint()
        if not self.well and self.behaviour.name == "raises CancelledError" and _is_asyncio():
            self.calls += 1
            self.called.set()
            task = asyncio.create_task(anyio.sleep_forever())
            task.cancel()
            await task
        return self()

    @asynccontextmanager
    async def tree(self, *, hooks=(), dependencies=(), **options):
        """A tree whose child `w` has these options; its block begins when it is up."""
        children = [self.a.spec(), self.b.spec(), self.w.spec(**options)]
        spec = supervisor("root", children=children, intensity=10**6, period=0.001, dependencies=dependencies)
        async with open_tree(spec, [*hooks, self.events]) as tree:
            self.root = Supervisor(tree)
            tree.root.begin()
            await tree.settled.wait()
            with anyio.CancelScope() as body:
                tree.cancel_when_ended(body)
                yield tree

    async def shows_life(self):
        """Its child is restarted, and that is told."""
        known = len(self.events.of(ChildStarted, "root/a"))
        self.a.crash()
        await self.events.wait_for(ChildStarted, "root/a", count=known + 1)

    def said(self, kind=CallbackFailed):
        return self.events.of(kind)


def _is_asyncio():
    return anyio.get_cancelled_exc_class() is asyncio.CancelledError


# ------------------------------------------------------------------------------------------------ places


async def once_called(cell):
    await cell.called.wait()
    await anyio.sleep(SOON)  # what follows from it, once and again


async def hook(cell, rest):
    async with cell.tree(hooks=[cell]):
        await once_called(cell)
        await rest()
        if cell.behaviour.fails:
            assert cell.calls == 1, "one that fails is detached"
            (told,) = cell.said(HookFailed)
            assert told.hook == "tests.runtime.foreign_matrix.Cell"
        else:
            assert cell.calls > 1
            assert cell.said(HookFailed) == []


async def lasting_hook(cell, rest):
    class Lasting:
        lasting = True

        def __call__(self, event):
            return cell(event)

    async with cell.tree(hooks=[Lasting()]):
        await once_called(cell)
        await rest()
        assert cell.calls > 1, "it is told of the next event all the same"
        told_once(cell, "hook")


async def where(cell, rest):
    policy = FailurePolicy(on(ValueError, GiveUp(), where=cell, name="odd"))
    async with cell.tree(policy=policy):
        cell.w.crash(ValueError())
        await once_called(cell)
        await rest()
        told_once(cell, "where=")
        matches = cell.behaviour.name == "returns an object"
        assert cell.root.child("w").state == ("failed" if matches else "running")


async def attribute(cell, rest):
    async with cell.tree(policy=FailurePolicy(on(Failure, GiveUp(), code=1012))):
        cell.w.crash(Failure(cell))
        await once_called(cell)
        await rest()
        told_once(cell, "attribute")
        assert cell.root.child("w").state == "running"


async def equality(cell, rest):
    async with cell.tree(policy=FailurePolicy(on(Failure, GiveUp(), code=1012))):
        cell.w.crash(Failure(lambda: Value(cell)))
        await once_called(cell)
        await rest()
        told_once(cell, "attribute")
        matches = cell.behaviour.name == "returns an object"  # for Python, an object is true
        assert cell.root.child("w").state == ("failed" if matches else "running")


async def progress(cell, rest):
    async with cell.tree(watchdog=Watchdog(within=3600.0, progress=cell)):
        await once_called(cell)
        await rest()
        told_once(cell, "progress=")
        assert cell.root.child("w").state == "running"


async def comparing_progress(cell, rest):
    async with cell.tree(watchdog=Watchdog(within=SOON, progress=lambda: Value(cell))):
        await once_called(cell)
        await rest()
        told_once(cell, "progress=")


async def probe(cell, rest):
    need = dependency("need", cell.awaited, every=SOON)
    async with cell.tree(dependencies=[need], needs=["need"]):
        cell.w.crash()
        await once_called(cell)
        if cell.behaviour.fails:
            assert cell.root.child("w").state == "held"
            await cell.events.wait_for(DependencyDown, "root")
            await rest()
            cell.well = True
            await cell.events.wait_for(DependencyUp, "root")
            assert len(cell.said(DependencyDown)) == 1
        else:
            await rest()
            assert cell.said(DependencyDown) == []
        await cell.events.wait_for(ChildStarted, "root/w", count=2)
        assert cell.said() == []


async def incident_listener(cell, rest):
    other = []
    async with cell.tree(hooks=[Incidents([cell, other.append])]):
        cell.w.crash()
        await once_called(cell)
        await rest()
        assert len(other) > 1
        assert (cell.calls == 1) == cell.behaviour.fails, "one that fails is told no more"


async def alert_sender(cell, rest):
    other = []
    incidents = Incidents([Alerts("app", [cell, other.append], warn_after=1, per_minute=10**6)])
    async with cell.tree(hooks=[incidents]):
        cell.w.crash()
        await once_called(cell)
        await rest()
        cell.w.crash(KeyError())
        await cell.events.wait_for(ChildStarted, "root/w", count=3)
        await anyio.wait_all_tasks_blocked()
        assert cell.calls >= 2, "it is tried with the next notification"
        assert len(other) == cell.calls


async def log_sink(cell, rest):
    sink = logger.add(cell, level="WARNING", catch=False)
    try:
        async with cell.tree(hooks=[log_events()]):
            cell.w.crash()
            await once_called(cell)
            await rest()
            before = cell.calls
            cell.w.crash()
            await cell.events.wait_for(ChildStarted, "root/w", count=3)
            await anyio.wait_all_tasks_blocked()
            assert cell.calls > before, "it is tried with the next line"
            assert cell.said(HookFailed) == []
    finally:
        logger.remove(sink)


async def sink(cell, rest):
    outbox = Outbox("sink", cell.awaited, backoff=Backoff(SOON, cap=SOON))
    async with open_outbox(outbox), cell.tree():
        outbox.put(1)
        await once_called(cell)
        assert (outbox.failures > 0) == cell.behaviour.fails
        await rest()
        cell.well = True
        while outbox.sent == 0:
            await anyio.sleep(SOON)


async def soon(cell, rest):
    async with cell.tree():
        cell.root.soon(cell)
        await once_called(cell)
        await rest()
        assert cell.calls == 1
        told_once(cell, "soon()")


def told_once(cell, role):
    if not cell.behaviour.fails:
        assert cell.said() == []
        return
    (told,) = cell.said()
    assert told.role == role
    assert told.name
    assert told.crash.type


PLACES = (
    hook,
    lasting_hook,
    where,
    attribute,
    equality,
    progress,
    comparing_progress,
    probe,
    incident_listener,
    alert_sender,
    log_sink,
    sink,
    soon,
)

CELLS = [(place, behaviour) for place in PLACES for behaviour in BEHAVIOURS]
