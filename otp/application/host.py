"""A tree in its process, with all that serves the process from outside of supervision, and outlives the tree.

log, hooks             receive the tree's events
shutdown report        one line when the tree has stopped
systemd                where systemd has started the process
loop watch             a thread, unless it is switched off
health port            a thread, where it is wanted
control                a thread, unless it is switched off: the sockets for `otp ps` and the other commands
"""

from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from functools import partial
from os import environ
from typing import NamedTuple

import anyio

from otp.application.loop_watch import LoopWatch, watching
from otp.application.options import Options
from otp.application.readiness import ReadinessFromThread
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


class Host(NamedTuple):
    """A tree in its process.

    Attributes:
        tree: opened, with no child started yet.
        report: gathers what is said of its stop.
        logs: those of its hooks that also take lines that are no events.
        loop_watch: None if it is switched off.
    """

    tree: Tree
    report: ShutdownReport
    logs: tuple[Log, ...]
    loop_watch: LoopWatch | None

    def say_who_is_left(self) -> None:
        """Log which children still run after the stop, while the caller waits for them."""
        self.tree.reporter.deliver()
        said = self.report.waiting()
        for log in self.logs or (Log(),):  # without a Log hook, still log the last words
            log.say(self.tree.root.machine.path, said)


@asynccontextmanager
async def open_host(
    spec: SupervisorSpec,
    hooks: Iterable[EventHook],
    options: Options,
    *,
    observation: Observation | None = None,
    faults: Faults | None = None,
) -> AsyncGenerator[Host]:
    """Open a tree and its process's services; these run until the block has ended and the tree is gone.

    As for `open_tree`, the block begins the tree. Lines that are no events go to those of the hooks that are a `Log`.

    Args:
        spec: the tree.
        hooks: called with every event.
        options: health port, loop watch and control.
        observation: history and incidents that exist already; None: made here, if there is control.
        faults: what injects faults into the workers of `spec`; None: nothing does.

    Raises:
        HostError: the health port cannot be had. Nothing has been opened then.
        SpecError: a child needs what nobody declares.
    """
    hooks = tuple(hooks) if observation is None else (*hooks, *observation.hooks)
    logs = tuple(hook for hook in hooks if isinstance(hook, Log))
    report = ShutdownReport(spec.id)
    systemd = Systemd(spec.id) if environ.get("NOTIFY_SOCKET") else None
    all_hooks: tuple[EventHook, ...] = (*hooks, report) if systemd is None else (*hooks, report, systemd)
    try:
        async with AsyncExitStack() as until_gone:  # closed when the tree is gone, whatever has ended the block
            answer = _bind_health(options, until_gone)
            control: Control | None = None
            if options.control:
                if observation is None:
                    observation = await until_gone.enter_async_context(open_observation(spec.id))
                    all_hooks = (*all_hooks, *observation.hooks)
                control = await until_gone.enter_async_context(open_control(spec.id, observation, faults=faults))
            async with open_tree(spec, all_hooks) as tree:
                watch = _watch_loop(tree, options, logs, until_gone)
                if control is not None:
                    _serve(control, tree, watch)
                if answer is not None:
                    await until_gone.enter_async_context(answer(ReadinessFromThread(tree, watch)))
                async with _notifying(systemd, tree):
                    with _noting_cause(report, tree):
                        yield Host(tree, report, logs, watch)
    finally:
        said = report.sentence()
        if said is not None:
            for log in logs:
                log.say(spec.id, said)


@contextmanager
def _noting_cause(report: ShutdownReport, tree: Tree) -> Generator[None]:
    """Note in the report what ended the block, if it ends before the tree."""
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
    """The name of what ends a program."""
    if isinstance(error, anyio.get_cancelled_exc_class()):
        return "a cancellation"
    return type(error).__name__


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


def _bind_health(options: Options, until_gone: AsyncExitStack) -> "Callable[[ReadinessFromThread], Answering] | None":
    """Bind the port before anything is started; returns what serves it, given the readiness."""
    if options.health is None:
        return None
    from otp.application.health import HealthServer, answering  # noqa: PLC0415 # only where it is wanted: http is heavy

    server = until_gone.enter_context(HealthServer(*options.health))
    return partial(answering, server)


def _watch_loop(tree: Tree, options: Options, logs: tuple[Log, ...], until_gone: AsyncExitStack) -> LoopWatch | None:
    if options.loop_watch is None:
        return None
    watch = LoopWatch(tree, threshold=options.loop_watch, listeners=[log.write for log in logs])
    return until_gone.enter_context(watching(watch))


def _notifying(systemd: Systemd | None, tree: Tree) -> AbstractAsyncContextManager[None]:
    return nullcontext() if systemd is None else background_tasks(partial(systemd.run, tree), name="what tells systemd")
