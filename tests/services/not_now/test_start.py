"""A Redis that does not answer when a service starts: somebody hears of it soon, and again."""

import os
import signal
from contextlib import contextmanager

import anyio
import msgspec
import pytest

from otp import open_supervisor
from otp.events import DependencyDown
from services.shared import bus_probe, redis_clients, setup_base, waiting
from services.shared.logutil import LogUtil
from services.shared.setup_base import SetupBase
from tests.services import program
from tests.services.not_now.rigs import RIGS, services


class Lines:
    """A log that keeps its warnings."""

    def __init__(self):
        self.said = []

    def warning(self, message, *args, emoji=""):
        self.said.append(message % args)

    def info(self, message, *args, emoji=""):
        pass

    debug = ok = error = info


@contextmanager
def deaf(server):
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_a_truth_redis_that_is_deaf_is_said_within_five_seconds(bus, until):
    assert waiting.FIRST <= 5.0
    with deaf(bus):
        async with program.running("services.massive.supervised_main", TRUTH_REDIS_URL=bus.url) as main:
            await until(lambda: "has not answered for 3 s; still trying" in main.output, 15)
            assert "which holds the truth document" in main.output


async def test_it_is_said_again_and_again_and_the_document_is_read_once_it_answers(bus, raw, until, monkeypatch):
    monkeypatch.setattr(waiting, "FIRST", 0.1)
    monkeypatch.setattr(waiting, "EVERY", 0.1)
    monkeypatch.setenv("TRUTH_REDIS_URL", bus.url)
    raw.set("truth", msgspec.json.encode({"components": {"massive": {}}}))
    log, found = Lines(), []
    async with anyio.create_task_group() as group:
        with deaf(bus):

            async def load():
                found.append(await SetupBase("massive", log).load())

            group.start_soon(load)
            await until(lambda: len(log.said) >= 3)
    assert found[0]["service_name"] == "massive"
    already = len(log.said)
    await anyio.sleep(0.3)
    assert len(log.said) == already


async def test_one_that_reads_its_data_is_waited_for_and_one_that_refuses_us_is_a_wrong_configuration(
    bus, between, raw, until, monkeypatch
):
    monkeypatch.setenv("TRUTH_REDIS_URL", between.url)
    raw.set("truth", msgspec.json.encode({"components": {"massive": {}}}))
    between.say(b"-LOADING Valkey is loading the dataset in memory\r\n")
    async with anyio.create_task_group() as group:
        group.start_soon(SetupBase("massive", Lines()).load)
        await until(lambda: between.asked > 8)
        between.be_honest()
    raw.config_set("requirepass", "right")
    monkeypatch.setenv("TRUTH_REDIS_URL", bus.url.replace("unix://", "unix://:wrong@"))
    with pytest.raises(RuntimeError, match="does not let us read the truth document"):
        await SetupBase("massive", Lines()).load()


async def test_a_server_that_is_deaf_while_we_connect_gave_no_reply_whichever_client_asks(bus):
    client = redis_clients.control(bus.url)
    with deaf(bus), pytest.raises(setup_base.NoReply):
        await client.execute_command("PING")
    await client.aclose()


async def test_the_wait_for_the_document_has_an_end(bus, monkeypatch):
    monkeypatch.setattr(setup_base, "PATIENCE", 0.2)
    monkeypatch.setenv("TRUTH_REDIS_URL", bus.url)
    with deaf(bus), anyio.fail_after(10), pytest.raises(setup_base.NoReply, match=r"within 0\.2 s"):
        await SetupBase("massive", Lines()).load()


@pytest.mark.parametrize("service", services("massive"))
async def test_a_bus_that_is_deaf_when_the_tree_starts_is_said_soon_and_again(bus, raw, until, monkeypatch, service):
    monkeypatch.setattr(bus_probe, "SAY_EVERY", 2.0)
    rig = RIGS[service](bus.url, raw, until)
    log = LogUtil(service)
    said = Lines()
    monkeypatch.setattr(log, "warning", said.warning)
    async with rig.open(), anyio.create_task_group() as group:
        shared = rig.service.shared(rig.config, log)
        with deaf(bus):

            async def serve():
                async with open_supervisor(rig.service.tree(rig.config, shared), hooks=[rig.events]):
                    group.cancel_scope.cancel()

            group.start_soon(serve)
            await until(lambda: rig.events.of(DependencyDown), 10)
            await until(lambda: any("is away for" in line for line in said.said), 10)
    await shared.aclose()
