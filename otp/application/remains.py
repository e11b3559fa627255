"""What is still there when a process ends: its threads, tasks and processes, and the line where each hangs.

It is looked at from a thread, whatever the others do, and no code of theirs is run for it. Left out is what waits for
work, and what ends with the process of itself: idle threads of an executor, and daemons.
"""

import asyncio
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

from otp.runtime.stack import await_chain
from otp.text.frames import blocking_place, hanging_place, own_frames
from otp.text.printable import printable

__all__ = ("listed", "processes_left", "tasks_left", "threads_left")

LISTED = 8
"""Names that a line has of one kind; the others are counted."""

_WAITING = frozenset(("threading", "queue", "selectors"))
"""Modules in which a thread stands that waits; the module that has called them tells what it waits for."""

_IDLE = ("asyncio.", "uvloop", "trio.", "anyio.", "concurrent.futures.", "otp.application.", "otp.cli.")
"""Modules that wait without holding anything: an event loop with nothing to do, an executor that waits for its threads."""

_POOLS = ("concurrent.futures.", "anyio.")
"""Packages with pools of threads, which wait for work."""

_OURS = str(Path(__file__).parents[1])

_frames_of_threads = sys._current_frames  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # documented, for just this


def listed(names: Iterable[str]) -> str:
    """The names in a line, the first of them if they are many."""
    names = list(names)
    more = len(names) - LISTED
    return ", ".join((*names[:LISTED], *((f"{more} more",) if more > 0 else ())))


def threads_left() -> Iterator[str]:
    """The threads that hold the process, the main thread among them if it does anything but wait for the others."""
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
    """The tasks that somebody has started there, without those whose coroutines are `known`."""
    known = {id(coroutine) for coroutine in known}
    for task in asyncio.all_tasks(loop):
        chain = await_chain(task.get_coro())
        if id(task.get_coro()) not in known and _is_somebodys(chain):
            yield f"task {printable(task.get_name())} in {hanging_place(chain)}"


def processes_left() -> Iterator[str]:
    """The processes that this one has started, where the system says so."""
    with suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            for pid in (thread / "children").read_text().split():
                if name := _program(pid):
                    yield f"process {pid} ({name})"


def _program(pid: str) -> str:
    """What runs there; empty if it has ended, and only waits to be asked for its exit code."""
    process = Path("/proc", pid)
    with suppress(OSError):
        return printable((process / "comm").read_text().strip()) if (process / "cmdline").read_bytes() else ""
    return ""


def _belongs_to_a_pool(frame: FrameType) -> bool:
    """Whether it may be idle: one that somebody began for something is not."""
    caller: FrameType | None = frame
    while caller is not None and not _module(caller).startswith(_POOLS):
        caller = caller.f_back
    return caller is not None


def _is_idle(frame: FrameType, *, main: bool) -> bool:
    inner = _module(frame)
    if inner == "concurrent.futures.thread" and not main:  # its own waiting is in C, and so may be what it has called
        return frame.f_code.co_name == "_worker"
    caller: FrameType | None = frame
    while caller is not None and _module(caller) in _WAITING:
        caller = caller.f_back
    if caller is None:
        return True
    if _module(caller) == "concurrent.futures.thread" and not main:  # else what it was given to do waits there
        return caller.f_code.co_name == "_worker"
    return (main or caller is not frame) and _module(caller).startswith(_IDLE)


def _is_somebodys(chain: tuple[str, ...]) -> bool:
    own = own_frames(chain)
    return bool(own) and not all(_OURS in frame or "site-packages" in frame for frame in own)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _stack(frame: FrameType | None) -> tuple[str, ...]:
    """The frames below that of the child, outermost first; all of them if there is none."""
    inward: list[FrameType] = []
    while frame is not None and _module(frame) != "otp.runtime.child":
        inward.append(frame)
        frame = frame.f_back
    return tuple(f"{one.f_code.co_filename}:{one.f_lineno} {one.f_code.co_qualname}" for one in reversed(inward))
