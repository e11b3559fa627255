"""`otp.run`: a tree as the whole program, from its start to its exit code.

    0       the tree ended in order: by itself, or after the first SIGINT or SIGTERM
    70      it failed: a child did not start, a supervisor gave up, a child refused to stop
    78      it failed because of a spec that cannot be run, or of a failure that a policy calls fatal
    128+n   the second signal n, or a stop that took longer than `grace`, ended it at once

`sys.exit(n)` and Ctrl-C raised inside a child stop the tree in order, and then go on upwards.
"""

import math
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from importlib.util import find_spec
from typing import Any, Literal

import anyio
from loguru import logger

from otp.errors import FatalFailure, OTPError, SpecError
from otp.events import ChildExited, ChildRefused, ChildStartFailed, Event
from otp.observe.log import log_events, open_stderr
from otp.observe.sentences import hanging_place
from otp.runtime.handle import Supervisor
from otp.runtime.open import open_tree
from otp.runtime.redaction import redact
from otp.runtime.reporter import EventHook
from otp.runtime.tree import Tree
from otp.spec import SupervisorSpec, check_needs

__all__ = ("Backend", "Beside", "run", "serve")

Backend = Literal["asyncio", "trio"]

Beside = Callable[[Supervisor], Coroutine[Any, Any, None]]
"""Runs from the start of the tree until it has ended, and is cancelled then. What it raises stops the tree."""

OK = 0
FAILED = 70
MISCONFIGURED = 78

LAST_CHANCE = 0.2
"""Seconds for a child that has refused to stop to end after all, before the process ends under it."""


def run(
    spec: SupervisorSpec,
    *,
    hooks: Iterable[EventHook] | None = None,
    backend: Backend = "asyncio",
    uvloop: bool | None = None,
    grace: float = math.inf,
    beside: Iterable[Beside] = (),
) -> int:
    """Run a tree until it ends or is told to by a signal: `sys.exit(otp.run(spec))`. Call it from the main thread.

    A child that refuses to stop cannot be killed inside its process. When all others are down, the process ends under
    it, by `os._exit`, and the log says who it was and where it hangs.

    Args:
        spec: the tree.
        hooks: called with every event. None: the log, on standard error unless loguru has been set up already.
        backend: the event loop.
        uvloop: asyncio on uvloop. None: if it is installed.
        grace: seconds that a stop in order may take; then all that is left is ended at once.
        beside: what runs beside the tree, outside its supervision; see `Beside`.

    Returns:
        The exit code; see the top of this module.

    Raises:
        SpecError: `spec` is not a tree.
        ValueError: there is no such backend here.
    """
    if not isinstance(spec, SupervisorSpec):  # pyright: ignore[reportUnnecessaryIsInstance] # for the unchecked
        raise SpecError(f"run() expects a tree, got a {type(spec).__name__}; write run(supervisor(id, children=[…]))")
    check_needs(spec)
    options = _loop_options(backend, uvloop)
    if hooks is None:
        open_stderr()
        hooks = (log_events(),)
    program = _Program(spec, tuple(hooks), grace, beside=tuple(beside))
    return anyio.run(program.main, backend=backend, backend_options=options)


async def serve(
    spec: SupervisorSpec,
    *,
    hooks: Iterable[EventHook] = (),
    grace: float = math.inf,
    opened: Callable[[Supervisor], None] | None = None,
    beside: Iterable[Beside] = (),
) -> int:
    """The same in an event loop that runs already, for a program that has set up its log and its services before.

    Args:
        spec: the tree.
        hooks: called with every event.
        grace: as for `run`.
        opened: called with the handle as soon as there is one; the tree is still starting then.
        beside: as for `run`.
    """
    return await _Program(spec, tuple(hooks), grace, opened, beside=tuple(beside)).main()


class _Program:
    """One run of one tree."""

    def __init__(
        self,
        spec: SupervisorSpec,
        hooks: tuple[EventHook, ...],
        grace: float,
        opened: Callable[[Supervisor], None] | None = None,
        *,
        beside: tuple[Beside, ...] = (),
    ) -> None:
        self._spec = spec
        self._beside = beside
        self._opened = opened
        self._hooks = hooks
        self._grace = grace
        self._code = OK
        self._refusals: dict[str, ChildRefused] = {}

    async def main(self) -> int:
        try:
            # Opened first and closed last: no signal finds the tree without somebody who listens.
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async with open_tree(self._spec, (*self._hooks, self._note_refusals)) as tree:
                    await self._live(tree, signals)
        except Exception as failure:  # noqa: BLE001 # whatever ended the tree, the program ends with a code
            return self._code or _code_of(failure)
        return self._code

    async def _live(self, tree: Tree, signals: AsyncIterator[signal.Signals]) -> None:
        with anyio.CancelScope() as life:
            tree.cancel_when_ended(life)
            if self._opened is not None:
                self._opened(Supervisor(tree))
            async with anyio.create_task_group() as others:
                for run_beside in self._beside:
                    others.start_soon(run_beside, Supervisor(tree))
                tree.root.begin()
                await self._obey(tree, signals)
        with anyio.move_on_after(LAST_CHANCE):
            await tree.gone.wait()
        if not tree.gone.is_set():
            self._abandon(tree)

    async def _obey(self, tree: Tree, signals: AsyncIterator[signal.Signals]) -> None:
        """The first signal stops the tree in order, the second one at once; then only its end is left to wait for."""
        last = await anext(signals)
        tree.stop()
        with anyio.move_on_after(self._grace):
            last = await anext(signals)
        self._code = 128 + last
        tree.stop(brutal=True)
        await anyio.sleep_forever()

    def _note_refusals(self, event: Event) -> None:
        if isinstance(event, ChildRefused):
            self._refusals[event.path] = event
        elif isinstance(event, ChildExited | ChildStartFailed):
            self._refusals.pop(event.path, None)

    def _abandon(self, tree: Tree) -> None:
        """Somebody still runs who cannot be killed: end the process, having said and written all there is."""
        tree.reporter.deliver()
        code = self._code or FAILED
        names = ", ".join(map(_with_place, self._refusals.values())) or "a task"
        logger.critical(f"{self._spec.id}  the process exits with code {code}, with this still running: {names}")
        logger.complete()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _with_place(refusal: ChildRefused) -> str:
    place = hanging_place(refusal.chain)
    return f"{refusal.path} in {place}" if place else refusal.path


def _code_of(failure: Exception) -> int:
    if not isinstance(failure, OTPError):  # what children raise comes as StartError or IntensityReached, and was told
        logger.critical(f"otp itself failed, please report it:\n{redact(''.join(traceback.format_exception(failure)))}")
    return MISCONFIGURED if any(isinstance(error, SpecError | FatalFailure) for error in _causes(failure)) else FAILED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _loop_options(backend: Backend, uvloop: bool | None) -> dict[str, Any]:
    if backend == "trio":
        if uvloop:
            raise ValueError("uvloop=True expects backend='asyncio', got 'trio'; leave one of them out")
        _need("trio")
        return {}
    if backend != "asyncio":
        raise ValueError(f"backend: expected 'asyncio' or 'trio', got {backend!r}")
    if uvloop:
        _need("uvloop")
    return {"use_uvloop": find_spec("uvloop") is not None if uvloop is None else uvloop}


def _need(module: str) -> None:
    if find_spec(module) is None:
        raise ValueError(f"{module} is not installed; pip install 'marketswarm-otp[{module}]'")
