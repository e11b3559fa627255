"""atomr: actors on a core in Rust, with threads of its own."""

import asyncio
import threading
import time

from atomr import Actor, ActorSystem, props, supervision

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import UNLIMITED, Restarts

PAUSE = 0.0005
"""Seconds from a restart to the next crash: a message that comes at once may find nobody."""


class Idle(Actor):
    async def handle(self, context, message): ...


def restart(run: Restarts) -> None:
    made = threading.Semaphore(0)

    class Crashing(Actor):
        def __init__(self):
            run.enter()
            made.release()

        async def pre_start(self, context): ...

        async def handle(self, context, message):
            if run.idle:
                await asyncio.sleep(run.idle)
            run.crashing()
            raise ValueError

    class Parent(Actor):
        async def handle(self, context, message):
            if message == "start":
                for n in range(run.siblings):
                    await context.spawn(props(Idle), f"idle{n}")
                self.child = await context.spawn(props(Crashing), "child")
            else:
                self.child.tell("crash")

    actors = ActorSystem.create_blocking("bench")
    policy = supervision.one_for_one(default="restart", max_retries=UNLIMITED, within_seconds=run.window(1.0))
    parent = actors.actor_of(props(Parent).with_supervisor_strategy(policy), "parent")
    parent.tell("start")
    while True:
        made.acquire()
        time.sleep(PAUSE)
        parent.tell("crash")


def scale(run: Children) -> None:
    class Counted(Idle):
        async def pre_start(self, context):
            run.enter()

    actors = ActorSystem.create_blocking("bench")
    run.declare()
    run.begin()
    for n in range(run.count):
        actors.actor_of(props(Counted), f"idle{n}")
    while run.running < run.count:
        time.sleep(PAUSE)
    run.up()
    actors.terminate_blocking()
    run.over()
