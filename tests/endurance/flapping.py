"""The program whose children crash all the time, with everything on: `python -m tests.endurance.flapping RESTARTS`.

It says on standard output, about once a second, what only it can see; the last line says how often its children crashed.
"""

import asyncio
import json
import logging
import sys

import anyio
from loguru import logger
from prometheus_client import generate_latest

from otp import Strategy, supervisor, worker
from otp.application.entry import serve
from otp.observe.log import log_events, open_stderr
from otp.observe.metrics import metrics_registry
from otp.observe.observation import open_observation
from otp.policy import Backoff, FailurePolicy, RestartNow

APP = "endurance"
WITHOUT_LIMIT = {"intensity": 10**9, "period": 0.05}


class Flapping:
    """Children that crash in different ways until there were enough; how often each did is counted here."""

    def __init__(self, goal):
        self.crashes = 0
        self.over = anyio.Event()
        self._goal = goal

    async def plain(self):
        await anyio.sleep(0)
        await self._crash(ValueError("token=kanarienvogel \x1b[2J"))

    async def acknowledged(self, *, task_status):
        await anyio.sleep(0)
        task_status.started(self.crashes)
        await self._crash(ConnectionError("gone"))

    async def talkative(self):
        logger.warning("crashing once more, password: {}", "kanarienvogel")
        logging.getLogger("library").warning("so it is")
        await anyio.sleep(0)
        await self._crash(ExceptionGroup("two", [OSError(1), KeyError("k")]))

    async def patient(self):
        """Crashes now and then, and takes its siblings along."""
        await anyio.sleep(0.01)
        await self._crash(TimeoutError())

    async def _crash(self, error):
        if self.crashes >= self._goal:
            self.over.set()
            await anyio.sleep_forever()
        self.crashes += 1
        raise error

    def spec(self):
        policy = FailurePolicy(otherwise=RestartNow(then=Backoff(0.001, cap=0.002)))
        group = supervisor(
            "group",
            strategy=Strategy.ONE_FOR_ALL,
            children=[worker("patient", self.patient), worker("idle", anyio.sleep_forever)],
            **WITHOUT_LIMIT,
        )
        children = [
            worker("plain", self.plain),
            worker("acknowledged", self.acknowledged, ready=True),
            worker("talkative", self.talkative),
            worker("delayed", self.plain, policy=policy),
            group,
        ]
        return supervisor(APP, children=children, **WITHOUT_LIMIT)


def say(**figures):
    sys.stdout.write(f"{json.dumps(figures)}\n")
    sys.stdout.flush()


async def lasting_tasks():
    """The fewest tasks of some looks: a question that is being answered is one for a moment."""
    fewest = len(asyncio.all_tasks())
    for _ in range(4):
        await anyio.sleep(0.02)
        fewest = min(fewest, len(asyncio.all_tasks()))
    return fewest


async def main(goal):
    flapping = Flapping(goal)
    async with open_observation(APP) as seen, anyio.create_task_group() as group:
        registry = metrics_registry(seen.history, seen.incidents, now=anyio.current_time, outboxes=seen.outboxes)

        async def look(handle):
            while not flapping.over.is_set():
                with anyio.move_on_after(1.0):
                    await flapping.over.wait()
                say(crashes=flapping.crashes, tasks=await lasting_tasks(), metrics=len(generate_latest(registry)))
            await anyio.sleep(0.5)  # the hooks hear of the last crash
            counted = sum(child.failures for child in seen.history.children(anyio.current_time()))
            say(crashes=flapping.crashes, counted=counted)
            handle.stop()

        code = await serve(
            flapping.spec(),
            hooks=(log_events(),),
            seen=seen,
            health="127.0.0.1:0",
            opened=lambda h: group.start_soon(look, h),
        )
        group.cancel_scope.cancel()
    return code


if __name__ == "__main__":
    open_stderr()
    sys.exit(anyio.run(main, int(sys.argv[1])))
