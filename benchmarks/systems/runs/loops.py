"""Running a coroutine on the event loop that was asked for."""

import asyncio
from collections.abc import Awaitable, Callable


def run_asyncio(main: Callable[[], Awaitable[object]], backend: str = "asyncio") -> None:
    """On asyncio's own loop or on uvloop."""
    if backend == "uvloop":
        import uvloop  # noqa: PLC0415 # not every environment has it

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    else:
        asyncio.run(main())


def run_anyio(main: Callable[[], Awaitable[object]], backend: str) -> None:
    """By anyio, on any of the three."""
    import anyio  # noqa: PLC0415 # not every environment has it

    if backend == "uvloop":
        anyio.run(main, backend="asyncio", backend_options={"use_uvloop": True})
    else:
        anyio.run(main, backend=backend)


def count_turns(backend: str, turn: Callable[[], None]) -> None:
    """Call `turn` whenever the running event loop has come back from waiting; that of uvloop does not tell."""
    if backend == "trio":
        _count_turns_of_trio(turn)
    elif backend == "asyncio":
        selector = asyncio.get_running_loop()._selector  # noqa: SLF001 # there is no other place to count at
        select = selector.select

        def counted(timeout: float | None = None) -> object:
            ready = select(timeout)
            turn()
            return ready

        selector.select = counted


def _count_turns_of_trio(turn: Callable[[], None]) -> None:
    import trio  # noqa: PLC0415

    class Counted(trio.abc.Instrument):
        def after_io_wait(self, timeout: float) -> None:
            turn()

    trio.lowlevel.add_instrument(Counted())
