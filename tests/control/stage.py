"""Trees with a control plane: the parts in the tree's loop alone, and with a real server in its thread."""

import asyncio
import contextlib
import itertools
import threading
from contextlib import asynccontextmanager

import anyio

from otp.control.client.client import connect
from otp.control.open import open_control
from otp.control.tree.actions import Actions
from otp.control.tree.audit import Audit
from otp.control.tree.bridge import Desk, Question
from otp.control.tree.event_log import Timeline
from otp.control.tree.maintenance import Maintenance
from otp.control.tree.queries import Looks
from otp.control.tree.view import View
from otp.control.wire.peer import Peer
from otp.control.wire.protocol import Failed
from otp.observe.log_ring import LogRing
from otp.observe.observation import Observation, open_observation
from otp.runtime.handle import Supervisor
from otp.runtime.open import open_tree
from otp.testing import EventRecorder

OPERATOR = Peer(1000, 77, "ann")
_ids = itertools.count(1)


async def turns(count=10):
    for _ in range(count):
        await anyio.sleep(0)


class AtTheDesk:
    """A tree and a desk in one loop, without sockets and threads."""

    def __init__(self, tree, seen, faults):
        self.handle = handle = Supervisor(tree)
        self.seen = seen
        self.events = EventRecorder()
        self.timeline = Timeline()
        self.log = LogRing()
        handle.name_contexts()
        self.maintenance = Maintenance()
        self.view = View(
            handle,
            seen,
            self.maintenance,
            lag=lambda: 0.25,
            version="1.2.3",
            backend="here",
            faults=faults is not None,
        )
        self.actions = Actions(self.view, self.maintenance, Audit(handle.path, self.timeline), faults)
        looks = Looks(self.view, self.timeline, self.log)
        self.desk = Desk(view=self.view, looks=looks, actions=self.actions, timeline=self.timeline)
        self.deltas = []
        handle.attach(self.events)
        self.kept = []
        handle.attach(self.desk)
        seen.incidents.listen(self.desk.resolved)

    async def answer(self, command, op=None, peer=OPERATOR):
        """What the desk says, a failure among it."""
        said, come = [], anyio.Event()

        def take(answer):
            said.append(answer)
            come.set()

        self.desk.ask(Question(op or f"op-{next(_ids)}", peer, command, take))
        await come.wait()
        return said[0]

    async def ask(self, command, **options):
        """The answer, which is no failure."""
        answer = await self.answer(command, **options)
        assert not isinstance(answer, Failed), answer
        return answer

    async def refused(self, command, **options):
        answer = await self.answer(command, **options)
        assert isinstance(answer, Failed), answer
        return answer

    def state(self, path):
        return str(self.handle.child(path).state)

    def generations(self):
        return {child.path: child.generation for child in self.handle.walk()}


@asynccontextmanager
async def at_the_desk(spec, *, faults=None, begin=True, ticking=False):
    """A tree that has begun, and its desk.

    Args:
        ticking: whether incidents are looked after as time passes.
    """
    observing = open_observation(spec.id) if ticking else contextlib.nullcontext(_observation(spec.id))
    raised = None
    async with observing as seen, anyio.create_task_group() as tasks:
        try:
            async with open_tree(faults.around(spec) if faults is not None else spec, seen.hooks) as tree:
                stage = AtTheDesk(tree, seen, faults)
                tasks.start_soon(stage.desk.run, stage.deltas.append, stage.kept.append)
                tasks.start_soon(stage.maintenance.run, stage.actions.over)
                if begin:
                    tree.root.begin()
                    await tree.settled.wait()
                yield stage
        except BaseException as error:
            raised = error
        tasks.cancel_scope.cancel()
    if raised is not None:
        raise raised


def _observation(app):
    return Observation(app, redis=None, alerts=(), include_messages=False, healthy_after=60.0)


class Served:
    """A tree with a real server."""

    def __init__(self, control, tree, seen):
        self.control = control
        self.tree = tree
        self.seen = seen
        self.handle = Supervisor(tree)
        self.events = EventRecorder()
        self.handle.attach(self.events)

    @property
    def socket(self):
        return self.control.socket

    @property
    def server(self):
        return self.control._server

    @property
    def read_socket(self):
        return self.socket.with_suffix(".ro.sock")

    async def ask(self, command, *, id=None, path=None, timeout=20.0):
        """Ask from another thread, on a connection of its own."""
        return await anyio.to_thread.run_sync(lambda: asked(path or self.socket, command, id=id, timeout=timeout))

    def generations(self):
        return {child.path: child.generation for child in self.handle.walk()}

    async def in_the_server(self, look):
        """What `look()` gives in the server's thread."""

        async def call():
            return look()

        future = asyncio.run_coroutine_threadsafe(call(), self.server._loop)
        return await anyio.to_thread.run_sync(future.result, 20.0)

    async def until(self, look):
        """Until `look()` is true in the server's thread."""
        while not await self.in_the_server(look):
            await anyio.sleep(0)


def asked(path, command, *, id=None, timeout=20.0):
    with connect(path, timeout=timeout) as client:
        return client.ask(command, id=id) if id else client.ask(command)


@asynccontextmanager
async def served(spec, place, *, faults=None, blocked=lambda: None, begin=True):
    async with (
        open_observation(spec.id) as seen,
        open_control(spec.id, seen, faults=faults, place=place) as control,
        open_tree(faults.around(spec) if faults is not None else spec, seen.hooks) as tree,
    ):
        stage = Served(control, tree, seen)
        control.serve(stage.handle, blocked=blocked)
        if begin:
            tree.root.begin()
            await tree.settled.wait()
        yield stage


class InThread:
    """Something that blocks, in a thread of its own; `result()` waits for it without blocking the loop."""

    def __init__(self, run, *args):
        self._result = None
        self._error = None
        self._run = run
        self._args = args
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self):
        try:
            self._result = self._run(*self._args)
        except Exception as error:
            self._error = error

    @property
    def is_over(self):
        return not self._thread.is_alive()

    async def result(self):
        await anyio.to_thread.run_sync(self.join)
        return self.outcome()

    def join(self):
        self._thread.join(30.0)
        assert self.is_over

    def outcome(self):
        if self._error is not None:
            raise self._error
        return self._result
