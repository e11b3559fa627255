"""Trees for the tests of whole processes: `python -m otp run process_trees:NAME`."""

import sys

import anyio

from otp import supervisor, worker


async def obey():
    say("up")
    await anyio.sleep_forever()


async def block():
    """Hold the event loop until somebody writes a line, and then go on."""
    say("blocking")
    sys.stdin.readline()
    say("free")
    await anyio.sleep_forever()


async def drain():
    """Take longer to stop than there is time, but not longer than it takes to be killed."""
    say("up")
    try:
        await anyio.sleep_forever()
    finally:
        await linger()


async def linger():
    with anyio.CancelScope(shield=True):
        await anyio.sleep(0.3)


async def refuse():
    say("up")
    with anyio.CancelScope(shield=True):
        await anyio.sleep(3600)


def say(text):
    print(text, flush=True)  # noqa: T201 # that is what it is for


calm = supervisor("calm", children=[worker("a", obey)])
blocking = supervisor("blocking", children=[supervisor("sub", children=[worker("b", block)])])
late = supervisor("late", children=[worker("a", drain, shutdown=0.1)])
refusing = supervisor("refusing", children=[worker("a", refuse, shutdown=0.05)])
