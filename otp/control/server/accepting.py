"""Accepting clients at one socket, no faster than the tree's share of the interpreter allows."""

import asyncio
from collections.abc import Callable
from socket import socket

from otp.control.server.token_bucket import TokenBucket
from otp.control.wire.sockets import not_for_children
from otp.observe.logger import logger
from otp.runtime.crash import describe

ACCEPTED_A_SECOND = 200.0
"""Connections that each socket accepts in a second, so that a client which opens them without end takes none of the tree's time."""

ACCEPTED_AT_ONCE = 64
"""Connections that may come at once before that counts; those behind wait in the system's queue."""

AGAIN_ACCEPT = 1.0
"""Seconds until the next attempt when no connection could be accepted."""

COMPLAINTS_A_SECOND = 1 / 60
"""How often the log says so."""


async def accept_for_ever(listener: socket, take: Callable[[socket], object]) -> None:
    """Accept connections until cancelled.

    Args:
        listener: a listening socket.
        take: called with each connection.
    """
    while True:
        try:
            await _accept(listener, take)
        except BaseException as bug:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            logger.error("control: accepting has failed, and is started again: {}", describe(bug))
            await asyncio.sleep(AGAIN_ACCEPT)


async def _accept(listener: socket, take: Callable[[socket], object]) -> None:
    listener.setblocking(False)  # a parameter without a name
    loop = asyncio.get_running_loop()
    allowed = TokenBucket(ACCEPTED_A_SECOND, ACCEPTED_AT_ONCE)
    complaints = TokenBucket(COMPLAINTS_A_SECOND)
    while True:
        await asyncio.sleep(allowed.book())
        try:
            accepted, _ = await loop.sock_accept(listener)
        except OSError as error:  # out of descriptors: those who are there go on, and some will leave
            if complaints.take():
                logger.warning("control: cannot accept, and tries on: {}", error.strerror)
            await asyncio.sleep(AGAIN_ACCEPT)
            continue
        not_for_children(accepted)
        take(accepted)
