"""A service answers for its health where its identity says, and is told of what blocks its loop, without a line of its own."""

import http.client
import socket
import threading

import anyio
import anyio.to_thread
import pytest

from otp import supervisor, worker
from otp.events import SupervisorStarted
from otp.testing import EventRecorder
from services.shared.identity import ConfigError
from services.shared.logutil import LogUtil
from services.shared.observed import health_port
from services.shared.service import Service
from services.shared.service_supervisor import ServiceSupervisor
from services.shared.truth import COMPONENTS, read_component


class Nothing:
    async def aclose(self):
        pass


def tree(config, shared):
    return supervisor("small", children=[worker("a", anyio.sleep_forever)])


SMALL = Service("small", config=dict, shared=lambda config, logger: Nothing(), tree=tree)


def free_port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def status(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/readyz")
    try:
        return connection.getresponse().status
    finally:
        connection.close()


async def test_a_service_answers_at_its_health_port_and_its_loop_is_watched():
    port, events = free_port(), EventRecorder()
    service = ServiceSupervisor(SMALL, config={}, logger=LogUtil("small"))
    async with anyio.create_task_group() as group:

        async def run():
            assert await service.run([events], health=health_port({"HEALTH_PORT": str(port)})) == 0

        group.start_soon(run)
        await events.wait_for(SupervisorStarted, "small")
        assert await anyio.to_thread.run_sync(status, port) == 200
        assert "otp-loop-watch" in {thread.name for thread in threading.enumerate()}
        service.stop()


@pytest.mark.parametrize("setup", [{}, {"HEALTH_PORT": ""}, {"HEALTH_PORT": None}])
def test_without_an_entry_there_is_no_health_port(setup):
    assert health_port(setup) is None


def test_a_wrong_entry_is_a_wrong_identity():
    with pytest.raises(ConfigError, match=r"HEALTH_PORT of massive: health port: expected \[HOST:\]PORT, got 'http'"):
        health_port({"HEALTH_PORT": "http", "service_name": "massive"})


@pytest.mark.parametrize("component", sorted(COMPONENTS.glob("*.json")), ids=lambda path: path.stem)
def test_each_component_can_be_given_one_by_the_environment(component):
    assert read_component(component).env["HEALTH_PORT"] == ""
