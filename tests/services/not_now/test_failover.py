"""A failover behind one name: old connections lead to a server that is a replica by now, new ones to the new primary."""

import socket

import anyio
import pytest
import redis

from services.shared.embedded import open_embedded_buses
from tests.services.not_now.rigs import services


def open_port(raw):
    """Let the server be reached by another one, which a Unix socket does not allow."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    raw.config_set("port", port)
    return port


@pytest.fixture
async def follower(raw, until):
    """A replica of the bus, in step with it."""
    async with open_embedded_buses(["follower"]) as buses:
        with redis.Redis.from_url(buses["follower"].url) as following:
            raw.config_set("repl-diskless-sync-delay", 0)
            open_port(following)  # first: it tells the primary where it is itself
            following.execute_command("REPLICAOF", "127.0.0.1", open_port(raw))
            await until(lambda: following.info("replication")["master_link_status"] == "up")
            yield buses["follower"], following


@pytest.mark.parametrize("service", services("massive"))
async def test_a_failover_behind_one_name_heals_and_loses_and_doubles_nothing(
    serving, between, follower, until, service
):
    server, following = follower
    async with serving(service) as rig:
        await anyio.sleep(0.1)
        rig.work()
        between.to = server.url.removeprefix("unix://")
        leading = rig.raw
        leading.execute_command("FAILOVER", "TIMEOUT", 5_000)
        await until(lambda: leading.info("replication")["role"] == "slave")
        await until(lambda: following.info("replication")["role"] == "master")
        await until(rig.is_up, 10)
        rig.raw = following
        await rig.is_done()
