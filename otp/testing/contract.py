"""The operating contract, as checks that run on any service: what it must keep to be supervised.

    @asynccontextmanager
    async def service():
        async with servers() as buses, make_shared(buses) as shared:      # identity and shared services: once
            yield tree(config, shared)

    @pytest.mark.parametrize("check", contract_suite(service, WORKERS), ids=str)
    async def test_the_contract(check):
        await check()

Each check opens the service anew, runs its tree, and raises `ContractBroken` with the child and what it did.
"""

import ast
import inspect
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial

import anyio

from otp.core.paths import id_of, is_within, join, parent_of, parts
from otp.core.strategy import taken_along
from otp.events import ChildExited, ChildRefused, ChildRestarting, ChildStarted, Event
from otp.exits import Crashed, Killed
from otp.runtime.handle import Supervisor
from otp.runtime.open import open_supervisor
from otp.spec import AnySpec, ChildSpec, Restart, SupervisorSpec
from otp.testing.faults import FaultSwitch, rewired
from otp.testing.recorder import EventRecorder

Service = Callable[[], AbstractAsyncContextManager[SupervisorSpec]]
"""Sets up all that a tree needs, gives its spec, and clears it away; called anew for each check."""

COMES_UP = 15.0
"""Seconds that a start or a restart may take."""

SILENCE = 1.0
"""Seconds of healthy running in which nothing may be told."""


SETTLES = 0.1
"""Seconds in which what follows from something has happened."""


class ContractBroken(AssertionError):
    """A service does not keep its side."""


class ContractCheck:
    """One line of the contract, on one service or one of its workers. Its text is the line."""

    def __init__(self, line: str, run: Callable[[], Awaitable[None]]) -> None:
        self._line = line
        self._run = run

    async def __call__(self) -> None:
        """Run it."""
        await self._run()

    def __str__(self) -> str:
        return self._line


def contract_suite(service: Service, workers: Iterable[str]) -> list[ContractCheck]:
    """The checks for a service.

    Args:
        service: sets it up, and gives its tree.
        workers: paths of its workers below the root; `workers_of(spec)` lists them.
    """
    checks = [
        ContractCheck("it comes up, and is silent while it is healthy", partial(_is_silent, service)),
        ContractCheck(
            "it stops in order, each child within its time, and leaves nothing behind", partial(_stops, service)
        ),
        ContractCheck("it comes up a second time in the same process", partial(_comes_up_again, service)),
    ]
    for path in workers:
        checks += [
            ContractCheck(f"{path} restarts alone, by request", partial(_restarts_alone, service, path)),
            ContractCheck(
                f"{path} may crash, and it is seen, counted and dealt with", partial(_may_crash, service, path)
            ),
            ContractCheck(f"{path} may return, and that is seen", partial(_may_return, service, path)),
            ContractCheck(f"{path} knows nothing of its supervisor", partial(_knows_nothing, service, path)),
        ]
    return checks


def workers_of(spec: SupervisorSpec, above: str = "") -> Iterator[str]:
    """The paths of all workers in a tree, below its root, in start order."""
    for child in spec.children:
        path = join(above, child.id)
        if isinstance(child, SupervisorSpec):
            yield from workers_of(child, path)
        else:
            yield path


# ------------------------------------------------------------------------------------------------ the whole service


async def _is_silent(service: Service) -> None:
    async with _running(service) as (_, events):
        await anyio.sleep(SETTLES)
        told = len(events.events)
        await anyio.sleep(SILENCE)
        if more := events.events[told:]:
            raise ContractBroken(f"healthy, and yet it is told: {more}")


async def _stops(service: Service) -> None:
    threads = set(threading.enumerate())
    events = EventRecorder()
    async with service() as spec:
        tasks = {task.id for task in anyio.get_running_tasks()}
        async with open_supervisor(spec, hooks=[events]) as root:
            order = [child.path for child in root.walk() if child.kind == "worker"]
        if left := [task.name for task in anyio.get_running_tasks() if task.id not in tasks]:
            raise ContractBroken(f"left behind: {', '.join(map(str, left))}")
    for refused in events.of(ChildRefused):
        raise ContractBroken(f"{refused.path} does not end when it is cancelled; it hangs in {refused.chain}")
    for exited in events.of(ChildExited):
        if exited.asked and not exited.brutal and isinstance(exited.exit, Killed | Crashed):
            raise ContractBroken(f"{exited.path} was asked to stop, and: {exited.exit}")
    _in_reverse_order(order, events.events)
    if new := [thread.name for thread in threading.enumerate() if thread not in threads and not thread.daemon]:
        raise ContractBroken(f"threads left behind: {', '.join(new)}")


def _in_reverse_order(started: list[str], events: list[Event]) -> None:
    stopped = [event.path for event in events if isinstance(event, ChildExited) and event.path in started]
    if stopped != started[::-1]:
        raise ContractBroken(f"started {started}, and stopped {stopped}, which is not the reverse")


async def _comes_up_again(service: Service) -> None:
    """Identity, log and shared services are not the tree's: it can be had twice with the same ones."""
    async with service() as spec:
        for _ in range(2):
            async with open_supervisor(spec) as root:
                _all_up(root)


# ------------------------------------------------------------------------------------------------ one worker


async def _restarts_alone(service: Service, path: str) -> None:
    async with _running(service) as (root, _):
        before = _generations(root)
        if root.child(path).restart is Restart.TEMPORARY:
            return
        with _in_time(f"{path} is restarted, and not all is up again"):
            await root.restart(path)
            await anyio.sleep(SETTLES)
            await _until(lambda: _is_up(root))
        _others_untouched(root, path, before)


async def _may_crash(service: Service, path: str) -> None:
    switch = FaultSwitch()
    async with _running(service, lambda spec: rewired(spec, path, switch)) as (root, events):
        before, full = _generations(root), f"{root.path}/{path}"
        temporary = root.child(path).restart is Restart.TEMPORARY
        switch.throw()
        with _in_time(f"{path} crashed, and not all is up again"):
            if temporary:
                await events.wait_for(ChildExited, full)
                return
            await events.wait_for(ChildRestarting, full)
            await events.wait_for(ChildStarted, full, count=2)
            await _until(lambda: _is_up(root))
        _others_untouched(root, path, before)
        if (crashes := root.child(path).crashes) != 1:
            raise ContractBroken(f"{path} crashed once, and {crashes} crashes are counted")


async def _may_return(service: Service, path: str) -> None:
    """A worker that returns early has failed, unless that is its way to be done."""
    switch = FaultSwitch()
    async with _running(service, lambda spec: rewired(spec, path, switch)) as (root, events):
        full = f"{root.path}/{path}"
        seen = ChildRestarting if root.child(path).restart is Restart.PERMANENT else ChildExited
        switch.finish()
        with _in_time(f"{path} returned, and nobody is told"):
            await events.wait_for(seen, full)


async def _knows_nothing(service: Service, path: str) -> None:
    async with service() as spec:
        run = _spec_at(spec, path).run
    module = inspect.getmodule(inspect.unwrap(getattr(run, "func", run)))
    if module is None:
        return
    for imported in _imports(inspect.getsource(module)):
        if imported.partition(".")[0] == "otp":
            raise ContractBroken(f"{module.__name__}, where {path} runs, imports {imported}")


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            yield node.module


# ------------------------------------------------------------------------------------------------ around them


@asynccontextmanager
async def _running(
    service: Service, change: Callable[[SupervisorSpec], SupervisorSpec] = lambda spec: spec
) -> AsyncGenerator[tuple[Supervisor, EventRecorder]]:
    events = EventRecorder()
    async with service() as spec, open_supervisor(change(spec), hooks=[events]) as root:
        with _in_time("it does not come up"):
            await _until(lambda: _is_up(root))
        yield root, events


def _is_up(root: Supervisor) -> bool:
    return all(child.state == "running" for child in root.walk())


@contextmanager
def _in_time(what: str) -> Generator[None]:
    try:
        with anyio.fail_after(COMES_UP):
            yield
    except TimeoutError:
        raise ContractBroken(f"{what} within {COMES_UP:g} s") from None


def _all_up(root: Supervisor) -> None:
    if down := [child.path for child in root.walk() if child.state != "running"]:
        raise ContractBroken(f"not up: {', '.join(down)}")


def _generations(root: Supervisor) -> dict[str, int]:
    return {child.path: child.generation for child in root.walk()}


def _others_untouched(root: Supervisor, path: str, before: dict[str, int]) -> None:
    """Only the child, and whom the strategy of its supervisor takes along, may have a new incarnation."""
    along = set(_restarted_together(root, path))
    for child in root.walk():
        if child.generation != before.get(child.path) and not any(is_within(child.path, each) for each in along):
            raise ContractBroken(f"{path} was restarted, and {child.path} with it")


def _restarted_together(root: Supervisor, path: str) -> Iterator[str]:
    """The full paths of the child and of the siblings that the strategy of its supervisor takes along."""
    above = parent_of(path)
    spec = root.get_childspec(above) if above else root.spec
    assert isinstance(spec, SupervisorSpec)
    siblings = [child.id for child in spec.children]
    for id in taken_along(spec.strategy, siblings, id_of(path)):
        yield join(root.path, join(above, id))


def _spec_at(spec: AnySpec, path: str) -> ChildSpec:
    for id in parts(path):
        assert isinstance(spec, SupervisorSpec)
        spec = next(child for child in spec.children if child.id == id)
    assert isinstance(spec, ChildSpec)
    return spec


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 # a state of many parts, for which there is no event
        await anyio.sleep(0.005)
