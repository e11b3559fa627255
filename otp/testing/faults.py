"""Making one worker of a tree end from outside of it: it raises, or returns, when somebody throws a switch."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import anyio

from otp.spec import AnySpec, SupervisorSpec

__all__ = ("FaultSwitch", "InjectedCrash", "rewired")


class InjectedCrash(RuntimeError):
    """Somebody made this worker crash."""


class FaultSwitch:
    """Stands around a worker's function, which knows nothing of it, and ends it when told."""

    def __init__(self) -> None:
        self._thrown = anyio.Event()
        self._error: BaseException | None = None

    def throw(self, error: BaseException | None = None) -> None:
        """Make the running incarnation raise; `InjectedCrash` if nothing else is said."""
        self._error = error or InjectedCrash("somebody threw the switch")
        self._thrown.set()

    def finish(self) -> None:
        """Make the running incarnation return."""
        self._error = None
        self._thrown.set()

    def around(self, run: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        """The same function with the switch around it."""

        async def switched(*args: Any, **options: Any) -> None:
            self._thrown = anyio.Event()
            with anyio.CancelScope() as body:
                async with anyio.create_task_group() as watch:
                    watch.start_soon(self._cancel_when_thrown, body)
                    await run(*args, **options)
                    watch.cancel_scope.cancel()
            if body.cancelled_caught and self._error is not None:
                raise self._error

        return switched

    async def _cancel_when_thrown(self, body: anyio.CancelScope) -> None:
        await self._thrown.wait()
        body.cancel()


def rewired(spec: SupervisorSpec, path: str, switch: FaultSwitch) -> SupervisorSpec:
    """The same tree with the switch around the worker at `path`, which begins below the root."""
    id, _, below = path.partition("/")

    def rewire(child: AnySpec) -> AnySpec:
        if child.id != id:
            return child
        if isinstance(child, SupervisorSpec):
            return rewired(child, below, switch)
        return replace(child, run=switch.around(child.run))

    return replace(spec, children=tuple(map(rewire, spec.children)))
