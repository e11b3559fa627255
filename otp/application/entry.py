"""A tree as a program, from its start to its exit code: `otp.main` ends the process, `otp.run` and `serve` return.

    0       the tree ended in order: by itself, or after the first SIGINT, SIGTERM or SIGHUP
    70      it failed: a child did not start, a supervisor gave up, a child refused to stop
    78      it failed because of a spec that cannot be run, of a failure that a policy calls fatal, or of a health port
            that cannot be had
    128+n   the second signal n, or a stop that took longer than `grace`, ended it at once
    1       only `otp.main`: C code held the interpreter's lock, so that nothing else could end the process

`sys.exit(n)` and Ctrl-C raised inside a child stop the tree in order, and then go on upwards.

A child that refuses to stop cannot be killed inside its process. `otp.main` ends the process under it. `otp.run` and
`serve` never do that to the program that called them: they say who it is, and return when it has ended after all. Until
then the signals mean again what they meant to that program.
"""

import asyncio
import math
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal, NoReturn

import anyio

from otp.application.options import LOOP_THRESHOLD, Options, options
from otp.application.program import Beside, Program, code_of
from otp.application.standard_streams import open_standard_streams
from otp.application.watchman import EXIT_WITHIN, FAILED, Watchman
from otp.checks.functions import check_async, check_plain
from otp.checks.values import is_a
from otp.errors import SpecError
from otp.extras import install
from otp.faults import Faults
from otp.observe.fallback_log import AT_EXIT, flush_outlets
from otp.observe.log import log_events, open_stderr
from otp.observe.logger import logger
from otp.observe.observation import Observation
from otp.observe.stderr import unblocked_stderr
from otp.runtime.handle import Supervisor
from otp.runtime.reporter import EventHook, check_hooks
from otp.spec import SupervisorSpec, check_needs
from otp.text.quoting import type_name

Backend = Literal["asyncio", "trio"]


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
    """Run a tree until it ends or is told to by a signal, and return the exit code. Call it from the main thread.

    It never ends the process, so it returns only once a child that refused to stop has ended after all; and it does not
    wait for threads that a child has left behind. In a program that has nothing else to do after its tree, write
    `otp.main(spec)`, which waits for neither.

    Args:
        spec: the tree.
        hooks: called with every event. None: the log, on standard error unless loguru has been set up already.
        backend: the event loop.
        uvloop: asyncio on uvloop. None: if it is installed.
        grace: seconds that a stop in order may take, its budget; then all that is left is ended at once.
        health: `[HOST:]PORT` where `/livez` and `/readyz` are answered; without a host, on this machine alone.
        loop_watch: seconds after which a child that blocks the event loop is named; None: it is not watched.
        control: whether the tree can be queried and steered from another shell, by `otp ps` and the other commands.
        faults: whether faults may be injected there (`otp fault`); never where it matters. Or what to inject them with.
        beside: async functions that run outside of supervision for as long as the tree does; see `Beside`.

    Returns:
        The exit code; see the top of this module.

    Raises:
        SpecError: `spec` is not a tree, or a hook or what is to run beside it cannot be called.
        ValueError: there is no such backend here, or `health` or `loop_watch` is wrong.
    """
    open_standard_streams()
    wanted = options(health, loop_watch, control=control)
    program = _program("run", spec, hooks, wanted, grace=grace, faults=faults, beside=beside)
    loop_options = _loop_options(backend, uvloop)
    if backend == "asyncio":
        loop_options = {"loop_factory": partial(_loop_that_joins_nobody, uvloop=loop_options["use_uvloop"])}
    try:
        return _until_it_ends(program, backend, loop_options)
    finally:
        flush_outlets(AT_EXIT)  # what the caller says next stands behind it


def main(
    spec: SupervisorSpec,
    *,
    hooks: Iterable[EventHook] | None = None,
    backend: Backend = "asyncio",
    uvloop: bool | None = None,
    grace: float = math.inf,
    exit_within: float = EXIT_WITHIN,
    health: str | None = None,
    loop_watch: float | None = LOOP_THRESHOLD,
    control: bool = True,
    faults: bool | Faults = False,
    beside: Iterable[Beside] = (),
) -> NoReturn:
    """Run a tree as the last act of this process, and end the process with its exit code. Call it in the main thread.

    The end is certain: a thread outside the event loop sees to it, whatever the children have left behind. When the last
    child is gone, or `grace` is over, or a second signal came, the process has `exit_within` seconds to end as Python
    does. Then it is ended by `os._exit`, having named on standard error the threads, tasks and processes that it left, and
    where each hangs.

    Args:
        spec: the tree.
        hooks: as for `run`.
        backend: as for `run`.
        uvloop: as for `run`.
        grace: as for `run`, and counted by that thread, so that it is kept while the event loop is blocked.
        exit_within: seconds that the process has when its last child is gone, or the grace is over.
        health: as for `run`.
        loop_watch: as for `run`.
        control: as for `run`.
        faults: as for `run`.
        beside: as for `run`.

    Raises:
        SystemExit: as `sys.exit` does, with the exit code; see the top of this module.
        SpecError: `spec` is not a tree.
        ValueError: there is no such backend here, or `health`, `loop_watch` or `exit_within` is wrong.
    """
    open_standard_streams()
    wanted = options(health, loop_watch, control=control)
    program = _program("main", spec, hooks, wanted, grace=grace, faults=faults, beside=beside)
    loop_options = _loop_options(backend, uvloop)
    program.watchman = watchman = _watchman(grace, exit_within)
    _end_with(watchman, lambda: _until_it_ends(program, backend, loop_options))


def end_with(
    program: Callable[[Watchman], Coroutine[Any, Any, int]],
    *,
    grace: float = math.inf,
    exit_within: float = EXIT_WITHIN,
) -> NoReturn:
    """Run an async function that sets up services and then serves a tree as this process's last act; on asyncio.

    The process ends with the exit code that the function returns, and that end is as certain as with `main`.

        async def program(watchman):
            async with services() as shared:
                return await serve(tree(shared), watchman=watchman)

        end_with(program)

    Args:
        program: returns the exit code; hands what it gets to `serve`.
        grace: seconds that a stop in order may take.
        exit_within: seconds that the process has when the last child is gone, or the grace is over. What the program does
            after its tree has ended has to fit in as well.

    Raises:
        SystemExit: with the exit code; see the top of this module.
        ValueError: `exit_within` is wrong.
    """
    open_standard_streams()
    watchman = _watchman(grace, exit_within)
    _end_with(watchman, lambda: anyio.run(program, watchman))


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
    watchman: Watchman | None = None,
) -> int:
    """Run a tree, as `run` does, in an event loop that runs already and whose log and services are set up.

    Args:
        spec: the tree.
        hooks: called with every event.
        grace: as for `run`.
        health: as for `run`.
        loop_watch: as for `run`.
        control: as for `run`.
        faults: as for `run`.
        seen: history and incidents that exist already; its hooks are called with every event.
        opened: called with the handle as soon as there is one; the tree is still starting then. If it fails, the tree is
            stopped in order: exit code 70.
        beside: as for `run`.
        watchman: what `end_with` gives a program that ends with this tree; `grace` is its own then. None: the program
            goes on when the tree has ended, and nothing here ends it.

    Raises:
        SpecError: a hook, `opened`, or what is to run beside the tree cannot be called.
        ValueError: `health` or `loop_watch` is wrong.
    """
    if opened is not None:
        check_plain("opened=", opened, "handle", instead="write def opened(handle), and what awaits into beside=[…]")
    program = Program(
        spec=spec,
        hooks=check_hooks(hooks),
        grace=grace,
        options=options(health, loop_watch, control=control),
        faults=_faults(faults),
        observation=seen,
        opened=opened,
        beside=_check_beside(beside),
        watchman=watchman,
    )
    return await program.main()


def _program(
    caller: str,
    spec: SupervisorSpec,
    hooks: Iterable[EventHook] | None,
    wanted: Options,
    *,
    grace: float,
    faults: bool | Faults,
    beside: Iterable[Beside],
) -> Program:
    if not is_a(spec, SupervisorSpec):
        kind = type_name(type(spec)).rpartition(".")[2]
        raise SpecError(f"{caller}() expects a tree, got a {kind}; write {caller}(supervisor(id, children=[…]))")
    check_needs(spec)
    if hooks is None:
        open_stderr()
        hooks = (log_events(),)
    return Program(
        spec=spec,
        hooks=check_hooks(hooks),
        grace=grace,
        options=wanted,
        faults=_faults(faults),
        beside=_check_beside(beside),
    )


def _until_it_ends(program: Program, backend: Backend, loop_options: dict[str, Any]) -> int:
    try:
        with unblocked_stderr():
            return anyio.run(program.main, backend=backend, backend_options=loop_options)
    except asyncio.CancelledError:  # no part of ours cancels the program's own task
        text = "{}  the program's own task was cancelled, which is not ours to do; the tree has stopped"
        logger.critical(text, program.spec.id)
        return FAILED


def _watchman(grace: float, exit_within: float) -> Watchman:
    if not exit_within >= 0:
        raise ValueError(f"exit_within: expected seconds, 0 or more, got {exit_within!r}")
    return Watchman(grace=grace, exit_within=exit_within)


def _end_with(watchman: Watchman, program: Callable[[], int]) -> NoReturn:
    watchman.start()
    try:
        code = program()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException as error:
        watchman.program_over(1 if isinstance(error, Exception) else code_of(error))  # as Python has it
        raise
    watchman.program_over(code)
    flush_outlets(AT_EXIT)
    sys.exit(code)


def _check_beside(beside: Iterable[Beside]) -> tuple[Beside, ...]:
    listed = tuple(beside)
    for one in listed:
        check_async("beside=", one, "handle", instead="write async def run(handle)")
    return listed


def _faults(wanted: bool | Faults) -> Faults | None:
    if isinstance(wanted, Faults):
        return wanted
    return Faults() if wanted else None


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
        raise ValueError(f"{module} is not installed; {install(module)}")


def _loop_that_joins_nobody(*, uvloop: bool) -> asyncio.AbstractEventLoop:
    """A loop that closes without waiting for its executor's threads, which may never end."""

    async def join_nobody(*_: object) -> None:
        pass

    loop = _new_uvloop() if uvloop else asyncio.new_event_loop()
    loop.shutdown_default_executor = join_nobody  # type: ignore[method-assign] # it has no option for that
    return loop


def _new_uvloop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 # only where it is wanted and installed

    return uvloop.new_event_loop()
