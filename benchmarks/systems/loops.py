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
