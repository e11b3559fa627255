"""A tree, and what looks after the process that it is: none of it is supervised, so none of it ends with the tree.

log, hooks             are told of the tree's events
shutdown report        one line when it has stopped
systemd                where systemd has started the process
loop watch             a thread, unless it is switched off
health port            a thread, where it is wanted
control                a thread, unless it is switched off: the sockets for `otp ps` and its like
"""

from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from functools import partial
from os import environ

import anyio

from otp.application.look import Look
from otp.application.loop_watch import LoopWatch, watching
from otp.application.options import Surroundings
from otp.application.shutdown_report import ShutdownReport
from otp.application.systemd import Systemd
from otp.control.open import Control, open_control
from otp.control.wire.rows import Blocked
from otp.faults import Faults
from otp.observe.background_tasks import background_tasks
from otp.observe.log import Log
from otp.observe.observation import Observation, open_observation
from otp.runtime.handle import Supervisor
from otp.runtime.open import open_tree
from otp.runtime.reporter import EventHook
from otp.runtime.tree import Tree
from otp.spec import SupervisorSpec

Answering = AbstractAsyncContextManager[None]

__all__ = ("Host", "open_host")


class Host:
    """A tree in its process.

    Attributes:
        tree: opened; nothing has been started yet.
        report: on its stop.
        loop_watch: None if nobody watches.
    """

    def __init__(self, tree: Tree, report: ShutdownReport, logs: tuple[Log, ...], loop_watch: LoopWatch | None) -> None:
        self.tree = tree
        self.report = report
        self.loop_watch = loop_watch
        self._logs = logs

    def say_who_is_left(self) -> None:
        """Say who still runs though the tree has stopped, while that is waited for."""
        self.tree.reporter.deliver()
        said = self.report.waiting()
        for log in self._logs or (Log(),):  # whoever reads nothing else has to read this
            log.say(self.tree.root.machine.path, said)


@asynccontextmanager
async def open_host(
    spec: SupervisorSpec,
    hooks: Iterable[EventHook],
    surroundings: Surroundings,
    *,
    seen: Observation | None = None,
    faults: Faults | None = None,
) -> AsyncGenerator[Host]:
    """Open a tree, and what looks after its process for as long as the block runs and the tree stops.

    Args:
        spec: the tree.
        hooks: told of every event.
        surroundings: what is wanted beside it.
        seen: history and incidents, if there are any already; None: they are made, for the control plane.
        faults: what has been put around the workers of `spec`.

    As for `open_tree`, the block begins the tree. What is said beside the events goes to those of the hooks that are a
    `Log`; without one, nothing of it is said.

    Raises:
        HostError: the health port cannot be had. Nothing has been opened then.
        SpecError: a child needs what nobody declares.
    """
    hooks = tuple(hooks) if seen is None else (*hooks, *seen.hooks)
    logs = tuple(hook for hook in hooks if isinstance(hook, Log))
    report = ShutdownReport(spec.id)
    systemd = Systemd(spec.id) if environ.get("NOTIFY_SOCKET") else None
    told: tuple[EventHook, ...] = (*hooks, report) if systemd is None else (*hooks, report, systemd)
    try:
        async with AsyncExitStack() as until_gone:  # closed when the tree is gone, whatever has ended the block
            answer = _bind_health(surroundings, until_gone)
            if surroundings.control and seen is None:
                seen = await until_gone.enter_async_context(open_observation(spec.id))
                told = (*told, *seen.hooks)
            control = await _open_control(spec, surroundings, seen, faults, until_gone)
            async with open_tree(spec, told) as tree:
                watch = _watch_loop(tree, surroundings, logs, until_gone)
                if control is not None:
                    _serve(control, tree, watch)
                if answer is not None:
                    await until_gone.enter_async_context(answer(Look(tree, watch)))
                async with _telling(systemd, tree):
                    with _told_why(report, tree):
                        yield Host(tree, report, logs, watch)
    finally:
        said = report.sentence()
        if said is not None:
            for log in logs:
                log.say(spec.id, said)


@contextmanager
def _told_why(report: ShutdownReport, tree: Tree) -> Generator[None]:
    """Let the report know what ends the block, if it ends before the tree."""
    try:
        yield
    except BaseException as error:
        report.cause = report.cause or _name_of(error)
        raise
    finally:
        interrupt = tree.failure()
        if interrupt is not None and not isinstance(interrupt, Exception):  # sys.exit, or Ctrl-C in a child
            report.cause = _name_of(interrupt)


def _name_of(error: BaseException) -> str:
    """What ends a program, in a word."""
    if isinstance(error, anyio.get_cancelled_exc_class()):
        return "a cancellation"
    return type(error).__name__


async def _open_control(
    spec: SupervisorSpec,
    surroundings: Surroundings,
    seen: Observation | None,
    faults: Faults | None,
    until_gone: AsyncExitStack,
) -> Control | None:
    if not surroundings.control or seen is None:
        return None
    return await until_gone.enter_async_context(open_control(spec.id, seen, faults=faults))


def _serve(control: Control, tree: Tree, watch: LoopWatch | None) -> None:
    if watch is None:
        control.serve(Supervisor(tree))
        return

    def blocked() -> Blocked | None:
        now = watch.blocked
        if now is None:
            return None
        return Blocked(path=now.path, seconds=watch.lag.last, stack=now.stack, callback=now.callback)

    watch.listen(lambda _: control.tell_blocked(blocked()))
    control.serve(Supervisor(tree), lag=lambda: watch.lag.worst, blocked=blocked)


def _bind_health(surroundings: Surroundings, until_gone: AsyncExitStack) -> "Callable[[Look], Answering] | None":
    """Take the port before anything is started; what is returned answers there."""
    if surroundings.health is None:
        return None
    from otp.application.health import HealthServer, answering  # noqa: PLC0415 # only where it is wanted: http is heavy

    server = until_gone.enter_context(HealthServer(*surroundings.health))
    return partial(answering, server)


def _watch_loop(
    tree: Tree, surroundings: Surroundings, logs: tuple[Log, ...], until_gone: AsyncExitStack
) -> LoopWatch | None:
    if surroundings.loop_watch is None:
        return None
    watch = LoopWatch(tree, threshold=surroundings.loop_watch, listeners=[log.write for log in logs])
    return until_gone.enter_context(watching(watch))


def _telling(systemd: Systemd | None, tree: Tree) -> AbstractAsyncContextManager[None]:
    return nullcontext() if systemd is None else background_tasks(partial(systemd.run, tree), name="what tells systemd")
