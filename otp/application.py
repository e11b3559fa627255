"""`otp.run`: a tree as the whole program, from its start to its exit code.

    0       the tree ended in order: by itself, or after the first SIGINT or SIGTERM
    70      it failed: a child did not start, a supervisor gave up, a child refused to stop
    78      it failed because of a spec that cannot be run, of a failure that a policy calls fatal, or of a health port
            that cannot be had
    128+n   the second signal n, or a stop that took longer than `grace`, ended it at once

`sys.exit(n)` and Ctrl-C raised inside a child stop the tree in order, and then go on upwards.
"""

import math
import os
import signal
import sys
import traceback
from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from importlib.util import find_spec
from typing import Any, Literal

import anyio
from loguru import logger as loguru

from otp.callbacks import check_async, check_plain
from otp.errors import CallbackError, FatalFailure, HostError, OTPError, SpecError, SupervisionLost
from otp.faults import Faults
from otp.foreign import CallFailed, Role, call
from otp.host.host import Host, open_host
from otp.host.surroundings import LOOP_THRESHOLD, Surroundings, surroundings
from otp.observe.log import log_events, open_stderr
from otp.observe.logger import logger
from otp.observe.observation import Observation
from otp.runtime.attempt import attempt
from otp.runtime.handle import Supervisor
from otp.runtime.redaction import redact
from otp.runtime.reporter import EventHook, check_hooks
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
    health: str | None = None,
    loop_watch: float | None = LOOP_THRESHOLD,
    control: bool = True,
    faults: bool | Faults = False,
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
        grace: seconds that a stop in order may take, its budget; then all that is left is ended at once.
        health: `[HOST:]PORT` where `/livez` and `/readyz` are answered; without a host, on this machine alone.
        loop_watch: seconds after which a child that blocks the event loop is named; None: nobody watches for that.
        control: whether the tree can be looked into and steered from another shell, by `otp ps` and its like.
        faults: whether faults may be injected there (`otp fault`); never where it matters. Or what to inject them with.
        beside: what runs beside the tree, outside its supervision; see `Beside`.

    Returns:
        The exit code; see the top of this module.

    Raises:
        SpecError: `spec` is not a tree, or a hook or what is to run beside it cannot be called.
        ValueError: there is no such backend here, or `health` or `loop_watch` is wrong.
    """
    if not isinstance(spec, SupervisorSpec):  # pyright: ignore[reportUnnecessaryIsInstance] # for the unchecked
        raise SpecError(f"run() expects a tree, got a {type(spec).__name__}; write run(supervisor(id, children=[…]))")
    check_needs(spec)
    options = _loop_options(backend, uvloop)
    wanted = surroundings(health, loop_watch, control=control)
    if hooks is None:
        open_stderr()
        hooks = (log_events(),)
    program = _Program(spec, check_hooks(hooks), grace, wanted, faults=_faults(faults), beside=_check_beside(beside))
    try:
        return anyio.run(program.main, backend=backend, backend_options=options)
    except CancelledError:  # its signals apart, a program has nobody who could mean that
        logger.critical(
            "{}  the program's own task was cancelled, which is not ours to do; the tree has stopped", spec.id
        )
        return FAILED


async def serve(
    spec: SupervisorSpec,
    *,
    hooks: Iterable[EventHook] = (),
    grace: float = math.inf,
    health: str | None = None,
    loop_watch: float | None = LOOP_THRESHOLD,
    control: bool = True,
    faults: bool | Faults = False,
    seen: Observation | None = None,
    opened: Callable[[Supervisor], None] | None = None,
    beside: Iterable[Beside] = (),
) -> int:
    """The same in an event loop that runs already, for a program that has set up its log and its services before.

    Args:
        spec: the tree.
        hooks: called with every event.
        grace: as for `run`.
        health: as for `run`.
        loop_watch: as for `run`.
        control: as for `run`.
        faults: as for `run`.
        seen: history and incidents that are kept already; its hooks are told of every event.
        opened: called with the handle as soon as there is one; the tree is still starting then. If it fails, the tree is
            stopped in order: exit code 70.
        beside: as for `run`.

    Raises:
        SpecError: a hook, `opened`, or what is to run beside the tree cannot be called.
        ValueError: `health` or `loop_watch` is wrong.
    """
    wanted = surroundings(health, loop_watch, control=control)
    if opened is not None:
        check_plain("opened=", opened, "handle", instead="write def opened(handle), and what awaits into beside=[…]")
    program = _Program(
        spec,
        check_hooks(hooks),
        grace,
        wanted,
        faults=_faults(faults),
        seen=seen,
        opened=opened,
        beside=_check_beside(beside),
    )
    return await program.main()


class _Program:
    """One run of one tree."""

    def __init__(
        self,
        spec: SupervisorSpec,
        hooks: tuple[EventHook, ...],
        grace: float,
        wanted: Surroundings,
        *,
        faults: Faults | None,
        seen: Observation | None = None,
        opened: Callable[[Supervisor], None] | None = None,
        beside: tuple[Beside, ...] = (),
    ) -> None:
        self._spec = faults.around(spec) if faults is not None else spec
        self._faults = faults
        self._seen = seen
        self._beside = beside
        self._opened = opened
        self._hooks = hooks
        self._grace = grace
        self._wanted = wanted
        self._code = OK
        self._failure: CallbackError | None = None

    async def main(self) -> int:
        try:
            # Opened first and closed last: no signal finds the tree without somebody who listens.
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async with open_host(
                    self._spec, self._hooks, self._wanted, seen=self._seen, faults=self._faults
                ) as host:
                    await self._live(host, signals)
        except Exception as failure:  # noqa: BLE001 # whatever ended the tree, the program ends with a code
            return self._code or _code_of(failure)
        return self._code

    async def _live(self, host: Host, signals: AsyncIterator[signal.Signals]) -> None:
        tree = host.tree
        with anyio.CancelScope() as life:
            tree.cancel_when_ended(life)
            if self._opened is not None:
                self._heed(tree, call(Role.OPENED, "", self._opened, Supervisor(tree)))
            async with anyio.create_task_group() as others:
                for run_beside in self._beside:
                    others.start_soon(self._run_beside, tree, run_beside)
                if tree.exit is None:  # else `opened` has stopped it
                    tree.root.begin()
                await self._obey(tree, signals)
        with anyio.move_on_after(LAST_CHANCE):
            await tree.gone.wait()
        if not tree.gone.is_set():
            self._abandon(host)
        if self._failure is not None:
            raise self._failure

    async def _run_beside(self, tree: Tree, run_beside: Beside) -> None:
        self._heed(tree, await attempt(Role.BESIDE, "", run_beside, Supervisor(tree)))

    def _heed(self, tree: Tree, said: object) -> None:
        """Without these functions there is no program as it was meant: if one fails, the tree stops in order."""
        if type(said) is not CallFailed:
            return
        tree.reporter.call_failed(tree.root.machine.path, said)
        tree.reporter.wake()
        if said.interrupt is None and self._failure is None:
            self._failure = CallbackError(said.role, said.name)
            self._failure.__cause__ = said.error
        tree.stop()

    async def _obey(self, tree: Tree, signals: AsyncIterator[signal.Signals]) -> None:
        """The first signal stops the tree in order, the second one at once; then only its end is left to wait for."""
        last = await anext(signals)
        tree.stop()
        with anyio.move_on_after(self._grace):
            last = await anext(signals)
        self._code = 128 + last
        tree.stop(brutal=True)
        await anyio.sleep_forever()

    def _abandon(self, host: Host) -> None:
        """Somebody still runs who cannot be killed: end the process, having said and written all there is."""
        code = self._code or FAILED
        host.say_last_words(code)
        loguru.complete()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _check_beside(beside: Iterable[Beside]) -> tuple[Beside, ...]:
    listed = tuple(beside)
    for one in listed:
        check_async("beside=", one, "handle", instead="write async def run(handle)")
    return listed


def _faults(wanted: bool | Faults) -> Faults | None:
    if isinstance(wanted, Faults):
        return wanted
    return Faults() if wanted else None


def _code_of(failure: Exception) -> int:
    if isinstance(failure, HostError):
        logger.critical("{}", failure)
    elif isinstance(failure, CallbackError | SupervisionLost):
        logger.critical("{}:\n{}", failure, _in_full(failure))
    elif not isinstance(failure, OTPError):  # what children raise comes as StartError or IntensityReached, and was told
        logger.critical("otp itself failed, please report it:\n{}", _in_full(failure))
    wrong = any(isinstance(error, SpecError | FatalFailure | HostError) for error in _causes(failure))
    return MISCONFIGURED if wrong else FAILED


def _in_full(failure: Exception) -> str:
    return redact("".join(traceback.format_exception(failure)))


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
