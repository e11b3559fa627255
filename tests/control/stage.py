"""Trees with a control plane: the parts in the tree's loop alone, and with a real server in its thread."""

import asyncio
import contextlib
import itertools
import threading
from contextlib import asynccontextmanager

import anyio

from otp.control.bridge import Bridge, Question
from otp.control.client.client import connect
from otp.control.open import open_control
from otp.control.tree.actions import Actions
from otp.control.tree.audit import Audit
from otp.control.tree.changes import Changes
from otp.control.tree.event_log import EventLog
from otp.control.tree.mailbox import Mailbox
from otp.control.tree.maintenance import Maintenance
from otp.control.tree.queries import Queries
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


class InOneLoop:
    """A tree and its control plane in one loop, without sockets and threads; it is the server's end of the bridge."""

    def __init__(self, tree, seen, faults):
        self.handle = handle = Supervisor(tree)
        self.seen = seen
        self.events = EventRecorder()
        self.event_log = EventLog()
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
        self.actions = Actions(self.view, self.maintenance, Audit(handle.path, self.event_log), faults)
        self.bridge = Bridge(lambda callback: callback())
        self.mailbox = Mailbox(self.bridge, Queries(self.view, self.event_log, self.log), self.actions)
        self.changes = Changes(self.bridge, self.view, self.event_log)
        self.bridge.join(self.mailbox.put, self)
        self.deltas = []
        self.kept = []
        self.publish, self.keep = self.deltas.append, self.kept.append
        self._takers = {}
        handle.attach(self.events)
        handle.attach(self.event_log)
        seen.incidents.listen(self.event_log.resolved)

    def soon(self, callback, *args):
        callback(*args)

    def answer(self, question, answer):
        self._takers.pop(question)(answer)

    async def answered(self, command, op=None, peer=OPERATOR):
        """What is answered, a failure among it."""
        said, come = [], anyio.Event()

        def take(answer):
            said.append(answer)
            come.set()

        question = Question(op or f"op-{next(_ids)}", peer, command)
        self._takers[question] = take
        self.bridge.ask(question)
        await come.wait()
        return said[0]

    async def ask(self, command, **options):
        """The answer, which is no failure."""
        answer = await self.answered(command, **options)
        assert not isinstance(answer, Failed), answer
        return answer

    async def refused(self, command, **options):
        answer = await self.answered(command, **options)
        assert isinstance(answer, Failed), answer
        return answer

    def state(self, path):
        return str(self.handle.child(path).state)

    def generations(self):
        return {child.path: child.generation for child in self.handle.walk()}


@asynccontextmanager
async def in_one_loop(spec, *, faults=None, begin=True, ticking=False):
    """A tree that has begun, with its control plane.

    Args:
        ticking: whether incidents are looked after as time passes.
    """
    observing = open_observation(spec.id) if ticking else contextlib.nullcontext(_observation(spec.id))
    raised = None
    async with observing as seen, anyio.create_task_group() as tasks:
        try:
            async with open_tree(faults.around(spec) if faults is not None else spec, seen.hooks) as tree:
                stage = InOneLoop(tree, seen, faults)
                tasks.start_soon(stage.mailbox.run)
                tasks.start_soon(stage.changes.run)
                tasks.start_soon(stage.maintenance.run, stage.actions.end_maintenance)
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
