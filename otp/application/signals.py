"""The signals that stop a tree, and their handlers in a forked process.

A forked child inherits the handlers and the wake-up descriptor of its parent. So a signal to the child would reach the
parent's event loop and not the child: `Process.terminate()` of multiprocessing would stop the parent's tree. Therefore
the child gets back the handlers from before us:

1. Before the fork the signals are blocked in the thread that forks, else one could arrive between 2 and 3.
2. The child begins.
3. It resets the wake-up descriptor and the handlers, and only then unblocks the signals. The parent unblocks them at once.
"""

import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from contextlib import contextmanager
from types import FrameType

import anyio

Handler = Callable[[int, FrameType | None], object] | int | None
"""As `signal.getsignal` returns it; None: not installed by Python."""

_before: dict[int, Handler] = {}
"""The handlers that ours have replaced."""


class _Blocked(threading.local):
    """The signal mask of the forking thread before the fork."""

    mask: Iterable[int] | None = None


_blocked = _Blocked()


def stop_signals() -> tuple[signal.Signals, ...]:
    """SIGINT, SIGTERM and SIGHUP; not the last one where it is ignored, as under nohup."""
    usual = signal.SIGINT, signal.SIGTERM
    return usual if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (*usual, signal.SIGHUP)


@contextmanager
def signals_heard() -> Generator[AsyncIterator[signal.Signals]]:
    """The signals that stop a tree, one after the other, for as long as the block runs; in the main thread only.

    Of several that came while the main thread was in C, trio tells the lowest number first, whatever came first.
    """
    wanted = stop_signals()
    with given_back_to_children(wanted), anyio.open_signal_receiver(*wanted) as signals:
        yield signals


@contextmanager
def given_back_to_children(numbers: Iterable[int]) -> Generator[None]:
    """Have processes that are forked in the block handle these signals as this one does now, before the block."""
    ours = give_back_to_children(numbers)
    try:
        yield
    finally:
        for number in ours:
            _before.pop(number, None)


def give_back_to_children(numbers: Iterable[int]) -> Iterable[int]:
    """Have processes that are forked from now on handle these signals as this process does at this moment.

    Returns:
        The signals that this call has added.
    """
    ours = {number: signal.getsignal(number) for number in numbers if number not in _before}
    _before.update(ours)
    return ours


def _before_fork() -> None:
    if _before:
        _blocked.mask = signal.pthread_sigmask(signal.SIG_BLOCK, tuple(_before))


def _in_parent() -> None:
    mask, _blocked.mask = _blocked.mask, None
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    if _before:
        signal.set_wakeup_fd(-1)
    for number, handler in _before.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
    _before.clear()
    _in_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
