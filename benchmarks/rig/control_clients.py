"""The clients of `benchmarks.measures.control`, in a process of their own: `python -m benchmarks.rig.control_clients SOCKET WHAT …`.

restarts TIMES           one restart per connection; milliseconds of each, from connect to answer
many CLIENTS COMMANDS    once a line comes in: all at the same time, in threads; then a JSON object of the figures
"""

import json
import sys
import threading
import time
from itertools import cycle, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from uuid import uuid4

from otp.control.client.client import connect
from otp.control.wire.commands import (
    Command,
    Explain,
    GetEvents,
    GetHealth,
    GetIncidents,
    GetSnapshot,
    GetStack,
    GetWhy,
    Restart,
)
from otp.control.wire.protocol import Acted
from otp.errors import OTPError

LOOKS = (
    GetSnapshot(),
    GetHealth(),
    GetEvents(limit=100),
    GetIncidents(),
    Explain(path="workers/w1"),
    GetWhy(path="feeds/f1"),
    GetStack(path="workers"),
)
RESTARTS = tuple(Restart(path=f"workers/w{n}", reason="benchmark") for n in range(10))
TWICE = 5
"""Of so many restarts one is sent twice."""

Request = tuple[str, Command]


def restarts(path: Path, times: int) -> None:
    for number in range(times):
        begun = time.perf_counter()
        with connect(path) as client:
            acted = client.ask(RESTARTS[number % len(RESTARTS)])
        assert not acted.changes[0].error
        print((time.perf_counter() - begun) * 1e3)


def requests(count: int) -> list[Request]:
    """Looks and restarts in turn; `count` all together, with those that are sent twice."""
    made: list[Request] = []
    looks, restarts = cycle(LOOKS), cycle(RESTARTS)
    number = 0
    while len(made) < count:
        restart = (uuid4().hex, next(restarts))
        made.append(restart)
        if number % TWICE == 0:
            made.append(restart)
        made.append((uuid4().hex, next(looks)))
        number += 1
    return list(islice(made, count))


def many(path: Path, clients: int, commands: int) -> None:
    made = requests(commands)
    waiting: SimpleQueue[Request] = SimpleQueue()
    for request in made:
        waiting.put(request)
    took: list[float] = []
    failed: list[str] = []
    connections = [connect(path) for _ in range(clients)]

    def work(client) -> None:
        while True:
            try:
                id, command = waiting.get_nowait()
            except Empty:
                return
            begun = time.perf_counter()
            try:
                answer = client.ask(command, id=id)
            except OTPError as error:
                failed.append(repr(error))
                return
            took.append((time.perf_counter() - begun) * 1e3)
            if isinstance(answer, Acted) and answer.changes[0].error:
                failed.append(answer.changes[0].message)

    threads = [threading.Thread(target=work, args=(client,)) for client in connections]
    sys.stdin.readline()
    begun = time.perf_counter_ns()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = time.perf_counter_ns()
    for client in connections:
        client.close()
    distinct = len({id for id, command in made if isinstance(command, Restart)})
    print(json.dumps({"begun": begun, "ended": ended, "took": took, "failed": failed, "distinct": distinct}))


if __name__ == "__main__":
    socket, what, *numbers = sys.argv[1:]
    {"restarts": restarts, "many": many}[what](Path(socket), *map(int, numbers))
