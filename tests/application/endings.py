"""Trees whose processes do not want to end: `python -m otp run endings:NAME`, or `python endings.py HOW`."""

import asyncio
import atexit
import concurrent.futures
import contextlib
import ctypes
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from itertools import repeat

import anyio
from loguru import logger

import otp
from otp import supervisor, worker
from otp.application.entry import end_with, serve


def say(text):
    print(text, flush=True)  # noqa: T201 # that is what it is for


def hang(up=None):
    if up is not None:
        up.set()
    time.sleep(3600)


def alone(run, **options):
    return supervisor("root", children=[worker("a", run, **options)])


def in_thread(start):
    """A worker that ends in order, and leaves what it has started to itself."""

    async def run():
        start()
        say("up")
        await anyio.sleep_forever()

    return alone(run)


def leave_thread():
    threading.Thread(target=hang, name="left").start()


def leave_atexit():
    atexit.register(hang)


def leave_request():
    """An HTTP client whose server does not answer, in a thread: an alert, for example."""
    listening = socket.create_server(("127.0.0.1", 0))

    def ask():
        with socket.create_connection(listening.getsockname()) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            connection.recv(1)

    threading.Thread(target=ask, name="client").start()


def leave_process():
    multiprocessing.get_context("fork").Process(target=hang).start()


def leave_pool():
    """An executor of the program's own."""
    concurrent.futures.ThreadPoolExecutor().submit(hang)


def leave_process_pool():
    concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")).submit(hang)


def leave_timer():
    timer = threading.Timer(0.0, hang)
    timer.name = "timer"
    timer.start()


def leave_feeder():
    """A queue between processes from which nobody takes: Python waits for the thread that fills it."""
    global kept  # noqa: PLW0603 # as long as the process
    kept = multiprocessing.get_context("fork").Queue()
    kept.put(bytes(1_000_000))


async def leave_task():
    """A stray of asyncio that takes no cancellation: its loop waits for it when it closes."""

    async def stray():
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    global kept  # noqa: PLW0603 # asyncio holds its tasks weakly
    kept = asyncio.create_task(stray())
    say("up")
    await anyio.sleep_forever()


async def to_thread():
    up = threading.Event()
    kept = asyncio.create_task(asyncio.to_thread(hang, up))
    await anyio.to_thread.run_sync(up.wait)
    say("up")
    await kept


async def in_executor():
    up = threading.Event()
    kept = asyncio.get_running_loop().run_in_executor(None, hang, up)
    await anyio.to_thread.run_sync(up.wait)
    say("up")
    await kept


async def of_c():
    """The same with nothing of Python in the thread."""
    kept = asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
    say("up")
    await kept


async def abandoned():
    up = threading.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: anyio.to_thread.run_sync(hang, up, abandon_on_cancel=True))
        await anyio.to_thread.run_sync(up.wait)
        say("up")


async def block():
    say("up")
    hang()


async def block_in_c():
    """Deadlock in C, which is not interrupted by signals, and lets other threads of Python run."""
    deadlock(ctypes.CDLL(None))


async def deadlock_in_the_stop():
    """The same in a clean-up, and no other thread of Python runs either."""
    try:
        say("up")
        await anyio.sleep_forever()
    finally:
        deadlock(ctypes.PyDLL(None))


def deadlock(libc):
    mutex = ctypes.create_string_buffer(128)
    libc.pthread_mutex_lock(mutex)
    say("up")
    libc.pthread_mutex_lock(mutex)


async def refuse():
    say("up")
    while True:
        with contextlib.suppress(BaseException):
            await anyio.sleep(3600)


async def shielded():
    say("up")
    with anyio.CancelScope(shield=True):
        await anyio.sleep(3600)


async def stuck():
    """Have a log that never comes back from the line which says that this child refuses to stop."""
    logger.add(lambda line: hang() if "refuses" in line else None)
    await shielded()


async def refuse_for_a_while():
    say("up")
    with anyio.CancelScope(shield=True):
        await anyio.sleep(1.5)


async def quiet():
    say("up")
    await anyio.sleep_forever()


async def silenced():
    """Break the standard streams, then refuse to stop."""
    reader, writer = os.pipe()
    os.close(reader)
    say("up")
    os.dup2(writer, 1)
    os.dup2(writer, 2)
    with contextlib.suppress(BrokenPipeError):  # where it is not buffered
        sys.stdout.write("what cannot be flushed")
    with anyio.CancelScope(shield=True):
        await anyio.sleep(3600)


async def forks():
    """Have children by fork, and end them."""
    context = multiprocessing.get_context("fork")
    codes = []
    for _ in range(20):
        child = context.Process(target=hang)
        child.start()
        child.terminate()
        child.join()
        codes.append(child.exitcode)
    say(f"ended {sorted(set(codes))}")
    pid = os.fork()
    if pid == 0:
        os.execv("/bin/sleep", ["sleep", "0"])
    os.waitpid(pid, 0)
    await anyio.to_thread.run_sync(fork_in_a_thread)
    say("up")
    await anyio.sleep_forever()


def fork_in_a_thread():
    child = multiprocessing.get_context("fork").Process(target=hang)
    child.start()
    child.terminate()
    child.join()
    say(f"ended in a thread {child.exitcode}")


async def look_for_masks():
    """What a child of ours would inherit."""
    seen = subprocess.run(["/bin/grep", "SigBlk", "/proc/self/status"], capture_output=True, text=True, check=True)
    say(seen.stdout.split()[1])
    say("up")
    await anyio.sleep_forever()


async def hold():
    """Take as long to stop as the spec allows."""
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(3600)


async def fail():
    raise LookupError("once too often")


async def signal_itself():
    """Get signals that Python handles together: from C, which does not give it a turn between them."""
    list(map(ctypes.PyDLL(None).kill, repeat(os.getpid()), map(int, os.environ["SIGNALS"].split())))
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.3)


class Lingering:
    """Ends late: when Python takes its modules apart."""

    def __del__(self, say=say, sleep=time.sleep):
        say("finalizing")
        sleep(0.5)


async def leave_lingering():
    sys.modules["__main__"].lingering = Lingering()
    say("up")
    await anyio.sleep_forever()


calm = alone(quiet)
signalled, lingering = map(alone, (signal_itself, leave_lingering))
giving_up = supervisor("root", intensity=0, children=[worker("a", hold, shutdown=3600.0), worker("b", fail)])
thread, request, at_exit, process = map(in_thread, (leave_thread, leave_request, leave_atexit, leave_process))
pool, process_pool, timer, feeder = map(in_thread, (leave_pool, leave_process_pool, leave_timer, leave_feeder))
task, executor, c_executor, threads = map(alone, (leave_task, in_executor, of_c, to_thread))
abandoned_thread, blocking, blocking_in_c = map(alone, (abandoned, block, block_in_c))
forking, masks = map(alone, (forks, look_for_masks))
deadlocked = alone(deadlock_in_the_stop)
refusing, broken, stuck_log = (alone(run, shutdown=0.05) for run in (shielded, silenced, stuck))
never = alone(refuse, shutdown=0.05)
late = alone(refuse_for_a_while, shutdown=0.05)


def embedded(how):
    """Run a tree within a program that goes on, and say so."""
    how, tree, backend = how.split(":")
    spec = globals()[tree]
    kind, _, uvloop = backend.partition("+")
    options = {"backend": kind} if kind == "trio" else {"uvloop": bool(uvloop)}
    if how == "run":
        code = otp.run(spec, **options)
    else:
        anyio_options = {"use_uvloop": True} if uvloop else {}
        code = anyio.run(EMBEDDED[how], spec, backend=kind, backend_options=anyio_options)
    say(f"went on with {code}")
    os._exit(11)


async def served(spec):
    return await serve(spec, hooks=[otp.log_events()])


async def opened(spec):
    with contextlib.suppress(otp.ChildRefused):
        async with otp.open_supervisor(spec, hooks=[otp.log_events()]) as root:
            await anyio.sleep(0.2)
            root.stop()
            await anyio.sleep_forever()
    return 0


EMBEDDED = {"serve": served, "open": opened}


async def hanging_program(watchman):
    """Let go of the services for ever."""
    try:
        return await serve(calm, hooks=[otp.log_events()], watchman=watchman)
    finally:
        await anyio.sleep(3600)


async def raising_program(_):
    raise LookupError("bug")


def catch():
    """Catch the exit, and go on."""
    with contextlib.suppress(SystemExit):
        otp.main(finite, exit_within=0.5)
    say("caught 0")
    hang()


finite = supervisor(
    "root",
    auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT,
    children=[worker("a", anyio.sleep, 0.01, restart=otp.Restart.TRANSIENT, significant=True)],
)


if __name__ == "__main__":
    match sys.argv[1]:
        case "end_with":
            end_with(hanging_program, exit_within=0.5)
        case "raise":
            end_with(raising_program)
        case "catch":
            catch()
        case how:
            embedded(how)
