"""Threads, tasks and processes that are left when a process ends, each with the line where it hangs.

They are inspected from another thread, and none of their code runs. Left out are those that do not hold the process: idle
threads of an executor, and daemons.
"""

import asyncio
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from traceback import walk_stack
from types import FrameType

from otp.runtime.stack import await_chain
from otp.text.frames import blocking_place, hanging_place, own_frames
from otp.text.printable import printable

LISTED = 8
"""Names of one kind in a line; further ones are only counted."""

_WAITING = frozenset(("threading", "queue", "selectors"))
"""Library modules in which threads wait; their caller tells what for."""

_IDLE = ("asyncio.", "uvloop", "trio.", "anyio.", "concurrent.futures.", "otp.application.", "otp.cli.")
"""Callers that wait without work of their own: an idle event loop, an executor that joins its threads."""

_POOLS = ("concurrent.futures.", "anyio.")
"""Packages whose pool threads wait for work."""

_OURS = str(Path(__file__).parents[1])

_frames_of_threads = sys._current_frames  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # documented, for just this


def listed(names: Iterable[str]) -> str:
    """The names in a line: the first few, and how many more there are."""
    names = list(names)
    more = len(names) - LISTED
    return ", ".join((*names[:LISTED], *((f"{more} more",) if more > 0 else ())))


def threads_left() -> Iterator[str]:
    """The threads that hold the process; the main thread if it does more than join the others."""
    frames = _frames_of_threads()
    main = threading.main_thread()
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0)
        if frame is None or (thread.daemon and thread is not main):
            continue
        if (thread is main or _belongs_to_a_pool(frame)) and _is_idle(frame, main=thread is main):
            continue
        name = "the main thread" if thread is main else f"thread {printable(thread.name)}"
        yield f"{name} in {blocking_place(_stack(frame))}"


def tasks_left(loop: asyncio.AbstractEventLoop, known: Iterable[object]) -> Iterator[str]:
    """The program's own tasks in this loop, without those whose coroutines are `known`."""
    known = {id(coroutine) for coroutine in known}
    for task in asyncio.all_tasks(loop):
        chain = await_chain(task.get_coro())
        if id(task.get_coro()) not in known and _is_somebodys(chain):
            yield f"task {printable(task.get_name())} in {hanging_place(chain)}"


def processes_left() -> Iterator[str]:
    """The child processes, on systems that list them in /proc."""
    with suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            for pid in (thread / "children").read_text().split():
                if name := _program(pid):
                    yield f"process {pid} ({name})"


def _program(pid: str) -> str:
    """The name of the program; empty for a zombie."""
    process = Path("/proc", pid)
    with suppress(OSError):
        return printable((process / "comm").read_text().strip()) if (process / "cmdline").read_bytes() else ""
    return ""


def _belongs_to_a_pool(frame: FrameType) -> bool:
    """Whether this is a pool's thread, which may be idle; a thread of the program's own never counts as idle."""
    return any(_module(caller).startswith(_POOLS) for caller, _ in walk_stack(frame))


def _is_idle(frame: FrameType, *, main: bool) -> bool:
    caller = _caller_of_waiting(frame)
    if caller is None:
        return True
    if _module(caller) == "concurrent.futures.thread" and not main:  # else the work that it was given waits, maybe in C
        return caller.f_code.co_name == "_worker"
    return (main or caller is not frame) and _module(caller).startswith(_IDLE)


def _caller_of_waiting(frame: FrameType) -> FrameType | None:
    """The innermost frame that is not of a library module in which threads wait."""
    return next((caller for caller, _ in walk_stack(frame) if _module(caller) not in _WAITING), None)


def _is_somebodys(chain: tuple[str, ...]) -> bool:
    own = own_frames(chain)
    return bool(own) and not all(_OURS in frame or "site-packages" in frame for frame in own)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _stack(frame: FrameType) -> tuple[str, ...]:
    """The frames below that of the child, or all if there is none; outermost first, up to what waits in the library."""
    outward = (step for step, _ in walk_stack(_caller_of_waiting(frame) or frame))
    own = list(takewhile(lambda step: _module(step) != "otp.runtime.child", outward))
    return tuple(f"{one.f_code.co_filename}:{one.f_lineno} {one.f_code.co_qualname}" for one in reversed(own))
