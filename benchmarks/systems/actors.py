"""actors: a new instance, called on a pool of threads."""

import time
from collections import deque

from actors import Actor, ActorSystem

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import Restarts

LOOK = 0.0001
"""Seconds between two looks at what its threads have done."""


class Idle(Actor):
    def receive(self, message): ...


def restart(run: Restarts) -> None:
    ready: deque[bool] = deque()

    class Crashing(Actor):
        def __init__(self):
            run.enter()

        def pre_start(self):
            ready.append(True)

        def post_restart(self):
            ready.append(True)

        def receive(self, message):
            if run.idle:
                time.sleep(run.idle)
            run.crashing()
            raise ValueError

    system = ActorSystem()
    for _ in range(run.siblings):
        system.actor_of(Idle)
    child = system.actor_of(Crashing)
    while True:
        while not ready:
            time.sleep(LOOK)
        ready.popleft()
        child.tell("crash")


def scale(run: Children) -> None:
    class Counted(Idle):
        def pre_start(self):
            run.enter()

    system = ActorSystem()
    run.declare()
    run.begin()
    for _ in range(run.count):
        system.actor_of(Counted)
    while run.running < run.count:
        time.sleep(LOOK)
    run.up()
    system.terminate()
    run.over()
