"""Programs for the tests of `otp.main`, each in a process of its own: `python programs.py NAME BACKEND`.

They say on standard output what happens, so that a test can wait for it.
"""

import sys
from functools import partial

import anyio

import otp
from otp import supervisor, worker
from otp.policy import FailurePolicy, Fatal, on


def say(text):
    print(text, flush=True)  # noqa: T201 # that is what it is for


async def obey(name, *, cleanup=0.0):
    say(f"start {name}")
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            say(f"stopping {name}")
            await anyio.sleep(cleanup)
        say(f"end {name}")


async def slow_start(name, *, task_status):
    say(f"start {name}")
    try:
        await anyio.sleep_forever()
    finally:
        say(f"end {name}")


async def refuse(name):
    say(f"start {name}")
    with anyio.CancelScope(shield=True):
        await hang()


async def hang():
    await anyio.sleep(3600)


async def crash(error):
    await anyio.sleep(0.01)
    raise error


async def exit_with(code):
    say("exiting")
    sys.exit(code)


async def come_and_go(name):
    say(f"start {name}")
    await anyio.sleep(0.01)


def calm(name, **options):
    return worker(name, obey, name, **options)


def slow(name, *, cleanup, **options):
    return worker(name, partial(obey, name, cleanup=cleanup), **options)


TREES = {
    "calm": supervisor("root", children=[calm("a"), supervisor("sub", children=[calm("b"), calm("c")])]),
    "slow_stop": supervisor("root", children=[calm("a"), slow("b", cleanup=30.0, shutdown=60.0)]),
    "slow_start": supervisor("root", children=[calm("a"), worker("b", slow_start, "b", ready=True), calm("c")]),
    "refusing": supervisor("root", children=[calm("a"), worker("b", refuse, "b", shutdown=0.05), calm("c")]),
    "giving_up": supervisor("root", intensity=1, children=[calm("a"), worker("b", crash, ValueError("bad {tick}"))]),
    "not_starting": supervisor(
        "root", children=[calm("a"), worker("b", lambda task_status: crash(ValueError("bad")), ready=True)]
    ),
    "misconfigured": supervisor("root", intensity=0, children=[worker("a", crash, otp.SpecError("wrong"))]),
    "fatal": supervisor(
        "root",
        children=[
            calm("a"),
            supervisor(
                "below",
                restart=otp.Restart.TEMPORARY,
                children=[worker("b", crash, KeyError("url"), policy=FailurePolicy(on(KeyError, Fatal())))],
            ),
        ],
    ),
    "exiting": supervisor("root", children=[calm("a"), worker("b", exit_with, 3), calm("c")]),
    "interrupted": supervisor("root", children=[calm("a"), worker("b", crash, KeyboardInterrupt()), calm("c")]),
    "finite": supervisor(
        "root",
        auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT,
        children=[
            calm("a"),
            worker("b", come_and_go, "b", restart=otp.Restart.TRANSIENT, significant=True),
        ],
    ),
}

if __name__ == "__main__":
    name, backend, *rest = sys.argv[1:]
    options = {"backend": backend.replace("uvloop", "asyncio")}
    if backend != "trio":
        options["uvloop"] = backend == "uvloop"
    if rest:
        options["grace"] = float(rest[0])
    otp.main(TREES[name], **options)
