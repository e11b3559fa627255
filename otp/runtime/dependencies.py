"""Probes dependencies: when a child that needs them has failed, and again while one is down; never otherwise."""

from collections.abc import Callable

import anyio

from otp.core import effects
from otp.core.child import ChildState
from otp.core.inputs import Checked, RestartDue
from otp.dependency import Dependency
from otp.events import DependencyDown, DependencyUp
from otp.foreign.guard import CallFailed, Role
from otp.runtime import ports
from otp.runtime.attempt import attempt
from otp.runtime.crash import describe
from otp.runtime.reporter import Reporter


class _Held:
    """A child that has failed, and what it needs.

    Attributes:
        unknown: names of dependencies that have not been probed for it yet.
        down: names of those that are down.
    """

    def __init__(self, supervisor: ports.Supervisor, child: effects.Check) -> None:
        self._supervisor = supervisor
        self._id = child.child
        self._generation = child.generation
        self.unknown = set(child.needs)
        self.down: set[str] = set()
        self._checked = False

    @property
    def waits(self) -> bool:
        """Whether it is still held: not stopped or started since, and its supervisor runs."""
        child = self._supervisor.machine.children.get(self._id)
        return child is not None and child.generation == self._generation and child.state is ChildState.HELD

    def learn(self, dependency: str, *, up: bool) -> bool:
        """Note that one of its dependencies is up, or down; returns whether that releases the child."""
        self.unknown.discard(dependency)
        (self.down.discard if up else self.down.add)(dependency)
        if self.unknown:
            return False
        if not self._checked:
            self._checked = True
            self._supervisor.feed(Checked(self._id, self._generation, tuple(sorted(self.down))))
            return False
        return not self.down

    def release(self) -> None:
        """Start it: all that it needs is up again."""
        self._supervisor.feed(RestartDue(self._id, self._generation))


class Dependencies:
    """Probes dependencies for the children that are held for them, each in a task of its own while it is needed."""

    def __init__(self, now: Callable[[], float], reporter: Reporter) -> None:
        self._now = now
        self._reporter = reporter
        self._held: dict[tuple[str, str], list[_Held]] = {}
        self._new: list[tuple[str, Dependency]] = []
        self._wake = anyio.Event()

    def check(self, supervisor: ports.Supervisor, child: effects.Check) -> None:
        """Probe what the child needs, and feed its supervisor with the result."""
        held = _Held(supervisor, child)
        for name in child.needs:
            found = supervisor.dependency(name)
            assert found is not None, "needs are checked when the tree is opened"
            path, dependency = found
            if (path, name) not in self._held:
                self._held[path, name] = []
                self._new.append((path, dependency))
                self._wake.set()
            self._held[path, name].append(held)

    async def run(self) -> None:
        """Probe while there are held children, until cancelled."""
        async with anyio.create_task_group() as group:
            while True:
                await self._wake.wait()
                self._wake = anyio.Event()
                new, self._new = self._new, []
                for path, dependency in new:
                    group.start_soon(self._watch, path, dependency)

    async def _watch(self, path: str, dependency: Dependency) -> None:
        """Probe until no child waits for it any more."""
        since: float | None = None
        key = path, dependency.id
        while self._held[key]:
            failed = await _probe(dependency)
            if failed is not None and failed.interrupt is not None:
                self._reporter.call_failed(path, failed)
            if failed is not None and since is None:
                since = self._now()
                crash = describe(failed.error)
                self._reporter.put(DependencyDown(path=path, at=since, dependency=dependency.id, crash=crash))
            elif failed is None and since is not None:
                downtime, since = self._now() - since, None
                self._reporter.put(DependencyUp(path=path, at=self._now(), dependency=dependency.id, downtime=downtime))
            self._reporter.wake()
            up, failed = failed is None, None
            await self._announce(key, dependency, up=up)
            if not up:
                await anyio.sleep(dependency.every)
        del self._held[key]

    async def _announce(self, key: tuple[str, str], dependency: Dependency, *, up: bool) -> None:
        """Pass the result to all held children; those that are released start one after the other, `stagger` apart."""
        waiting = [held for held in self._held[key] if held.waits]
        released = [held for held in waiting if held.learn(dependency.id, up=up)]
        self._held[key] = [] if up else waiting
        for number, held in enumerate(released):
            if number:
                await anyio.sleep(dependency.stagger)
            if held.waits:
                held.release()


async def _probe(dependency: Dependency) -> CallFailed | None:
    """How the probe failed; None: the dependency is up."""
    answer = await attempt(
        Role.PROBE, dependency.id, dependency.probe, *dependency.args, within=dependency.timeout, owner=dependency
    )
    return answer if type(answer) is CallFailed else None
