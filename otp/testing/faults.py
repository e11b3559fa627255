"""Making one worker of a tree end from outside of it: it raises, or returns, when somebody throws a switch.

To make any worker of a running tree fail in more ways than these, and for a time, there are `otp.faults`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import anyio

from otp.faults import InjectedCrash, each_worker
from otp.spec import ChildSpec, SupervisorSpec


class FaultSwitch:
    """Stands around a worker's function, which knows nothing of it, and ends it when told."""

    def __init__(self) -> None:
        self._body: anyio.CancelScope | None = None
        self._error: BaseException | None = None

    def throw(self, error: BaseException | None = None) -> None:
        """Make the running incarnation raise; `InjectedCrash` if nothing else is said."""
        self._end(error or InjectedCrash("somebody threw the switch"))

    def finish(self) -> None:
        """Make the running incarnation return."""
        self._end(None)

    def around(self, run: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        """The same function with the switch around it."""

        async def switched(*args: Any, **options: Any) -> None:
            with anyio.CancelScope() as body:
                self._body = body
                await run(*args, **options)
            if body.cancelled_caught and self._error is not None:
                raise self._error

        return switched

    def _end(self, error: BaseException | None) -> None:
        self._error = error
        if self._body is not None:
            self._body.cancel()


def rewired(spec: SupervisorSpec, path: str, switch: FaultSwitch) -> SupervisorSpec:
    """The same tree with the switch around the worker at `path`, which begins below the root."""
    full = f"{spec.id}/{path}"

    def rewire(child_path: str, child: ChildSpec) -> ChildSpec:
        return replace(child, run=switch.around(child.run)) if child_path == full else child

    return each_worker(spec, rewire)
