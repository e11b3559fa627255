"""Making one worker of a tree crash, from outside of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import anyio

from otp import SupervisorSpec
from otp.spec import AnySpec

__all__ = ("CrashSwitch", "InjectedCrash", "rewired")


class InjectedCrash(RuntimeError):
    """The demo made this worker crash."""


class CrashSwitch:
    """Stands around a worker's function, which knows nothing of it, and raises in its place when told."""

    def __init__(self) -> None:
        self._thrown = anyio.Event()

    def throw(self) -> None:
        """Crash the running incarnation."""
        self._thrown.set()

    def around(self, run: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        """The same function with the switch around it."""

        async def crashable(*args: Any, **options: Any) -> None:
            self._thrown = anyio.Event()
            with anyio.CancelScope() as body:
                async with anyio.create_task_group() as watch:
                    watch.start_soon(self._cancel_when_thrown, body)
                    await run(*args, **options)
            if body.cancelled_caught:
                raise InjectedCrash("somebody threw the switch")

        return crashable

    async def _cancel_when_thrown(self, body: anyio.CancelScope) -> None:
        await self._thrown.wait()
        body.cancel()


def rewired(spec: SupervisorSpec, id: str, switch: CrashSwitch) -> SupervisorSpec:
    """The same tree with the switch around the worker of that id."""

    def rewire(child: AnySpec) -> AnySpec:
        if isinstance(child, SupervisorSpec):
            return rewired(child, id, switch)
        return replace(child, run=switch.around(child.run)) if child.id == id else child

    return replace(spec, children=tuple(map(rewire, spec.children)))
