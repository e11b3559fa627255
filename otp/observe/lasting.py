"""Services outside supervision: control, history, alerts. One that ends before its time is reported and started again."""

from collections.abc import Awaitable, Callable

import anyio

from otp.foreign.guard import interrupt_in
from otp.observe.logger import logger
from otp.runtime.attempt import is_ours
from otp.runtime.crash import describe

__all__ = ("AGAIN", "lasting")

AGAIN = 1.0
"""Seconds until a service that has ended is started again: what fails at once is no hot loop."""


async def lasting(name: str, run: Callable[[], Awaitable[object]]) -> None:
    """Run a service until it is cancelled by us; however else it ends, it ends alone and is started again.

    Returning is an end too: so ends a task group of which a foreign library has cancelled a task. The end is said once,
    and again only when the service ends in another way. Ctrl-C and `SystemExit` in it go on upwards.

    Args:
        name: of the service, for the log.
        run: the service.
    """
    told = ""
    while True:
        try:
            await run()
            said = "it came to an end"
        except BaseException as error:
            if is_ours(error):
                raise
            if (interrupt := interrupt_in(error)) is not None:
                raise interrupt from None
            said = str(describe(error))
        if said != told:
            told = said
            logger.error("{} has failed, and is started again: {}", name, said)
        await anyio.sleep(AGAIN)
