"""Massive's watchdogs: a quiet market is no hang, and a Redis that never answers is one."""

import os
import signal
from dataclasses import replace

import anyio

from otp import Watchdog, open_supervisor, supervisor
from otp.events import ChildHung, ChildStarted
from otp.testing import EventRecorder
from services.massive.shared_services import SharedServices
from services.massive.workers import publish
from services.shared import consumer_group
from trees.massive import tree

WATCHED = ("orchestrator", "redis_publisher", "redis_consumer")


def watched(massive, shared, within):
    """The workers that have a watchdog in the tree, with another time."""
    whole = tree(massive, shared)
    specs = [spec for spec in (whole.children[0], *whole.children[1].children) if spec.watchdog is not None]
    assert tuple(spec.id for spec in specs) == WATCHED
    return [
        replace(spec, needs=(), watchdog=Watchdog(within=within, progress=spec.watchdog.progress)) for spec in specs
    ]


async def test_the_loop_of_each_worker_turns_while_the_market_is_quiet(massive, until, monkeypatch):
    monkeypatch.setattr("services.massive.orchestrator.WATCH_INTERVAL", 0.05)
    monkeypatch.setattr(publish, "REPORT_INTERVAL", 0.05)
    monkeypatch.setattr(consumer_group, "BLOCK", 50)
    shared, events = SharedServices.make(massive), EventRecorder()
    specs = watched(massive, shared, within=30.0)
    async with open_supervisor(supervisor("root", children=specs), hooks=[events]):
        for spec in specs:
            seen = spec.watchdog.progress()
            await until(lambda spec=spec, seen=seen: spec.watchdog.progress() > seen + 3)
    assert shared.pipeline.counts.frames_in == 0
    await shared.aclose()


async def test_a_read_that_is_never_answered_is_found_and_said_and_begun_anew(massive, market, monkeypatch):
    monkeypatch.setattr(consumer_group, "BLOCK", 50)
    shared, events = SharedServices.make(massive), EventRecorder()
    consumer = watched(massive, shared, within=0.5)[-1]
    async with open_supervisor(supervisor("root", children=[consumer]), hooks=[events]):
        os.kill(market.pid, signal.SIGSTOP)
        try:
            with anyio.fail_after(10):
                hung = await events.wait_for(ChildHung, "root/redis_consumer")
        finally:
            os.kill(market.pid, signal.SIGCONT)
        with anyio.fail_after(10):
            await events.wait_for(ChildStarted, "root/redis_consumer", where=lambda event: event.generation == 2)
    assert any("GroupReader." in step for step in hung.chain)
    await shared.aclose()
