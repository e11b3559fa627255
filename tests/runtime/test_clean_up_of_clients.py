"""Clients of aiohttp, websockets and Redis are closed in order by a worker that is stopped, on real servers."""

import asyncio

import pytest
import redis.asyncio as redis
import websockets
from aiohttp import ClientSession, web

from otp import open_supervisor, supervisor, worker
from otp.events import ChildExited
from otp.exits import Shutdown
from otp.testing import EventRecorder
from services.shared.embedded import open_embedded_buses


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


async def of_aiohttp(seen, *, task_status):
    async def slow(_):
        seen.append("asked")
        await asyncio.Event().wait()

    async def bye(_):
        seen.append("said goodbye")
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/", slow), web.post("/bye", bye)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    session = ClientSession()
    task_status.started()
    try:
        await session.get(f"{url}/")
    finally:
        async with session.post(f"{url}/bye") as answer:
            seen.append(answer.status)
        await session.close()
        await runner.cleanup()
        seen.append("closed")


async def of_websockets(seen, *, task_status):
    async def serve(connection):
        async for message in connection:
            seen.append(message)
        seen.append(connection.protocol.close_rcvd.code)

    async with websockets.serve(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with websockets.connect(f"ws://127.0.0.1:{port}") as connection:
            task_status.started()
            try:
                await connection.recv()
            finally:
                await connection.send("goodbye")
                await connection.close(code=1001)
                await connection.wait_closed()
                seen.append("closed")


async def of_redis(seen, *, task_status):
    async with open_embedded_buses(["market"]) as buses:
        client = redis.Redis.from_url(buses["market"].url)
        subscription = client.pubsub()
        await subscription.subscribe("news")
        task_status.started()
        try:
            await client.blpop(["nothing"], timeout=0)
        finally:
            await client.set("last", "words")
            seen.append(await client.get("last"))
            await subscription.unsubscribe("news")
            await subscription.aclose()
            await client.aclose()
            seen.append("closed")


@pytest.mark.parametrize("asked", ["stop", "restart"])
@pytest.mark.parametrize("client", [of_aiohttp, of_websockets, of_redis], ids=lambda client: client.__name__)
async def test_a_client_says_goodbye_when_its_worker_is_stopped(client, asked):
    seen, events = [], EventRecorder()
    spec = supervisor("root", children=[worker("a", client, seen, ready=True, shutdown=30.0)])
    async with open_supervisor(spec, hooks=[events]) as root:
        if asked == "restart":
            await root.restart("a")
            assert seen.count("closed") == 1
    goodbyes = {of_aiohttp: "said goodbye", of_websockets: "goodbye", of_redis: b"words"}
    lives = 2 if asked == "restart" else 1
    assert seen.count("closed") == seen.count(goodbyes[client]) == lives
    if client is of_websockets:
        assert seen.count(1001) == lives
    assert [event.exit for event in events.of(ChildExited)] == [Shutdown()] * lives
