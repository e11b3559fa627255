import anyio
import pytest
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as NotConnected

from services.shared import redis_clients
from services.shared.redis_address import normalised, redacted


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("rediss://u:p@h/1", "rediss://u:p@h/1"),
        ("unix:///run/v.sock?db=1", "unix:///run/v.sock?db=1"),
        ("valkey://h", "redis://h"),
        ("valkeys://h", "rediss://h"),
        ("valkey+unix:///run/v.sock", "unix:///run/v.sock"),
        ("REDIS://h", "redis://h"),
    ],
)
def test_the_valkey_twins_of_the_schemes_are_spelled_as_redis_py_reads_them(given, spelled):
    assert normalised(given) == spelled


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("http://u:hunter2@h", "got http://"),
        ("hunter2@localhost:6379", "an address without a scheme"),
        ("redis://u:hunter2/x@h:6379", "percent-encoded"),
        ("redis://u:hunter2@h:99999", "0 to 65535"),
        ("redis://u:hunter2[@h", "percent-encoded"),
        ("unix://", "needs a path"),
    ],
)
def test_a_wrong_address_is_refused_without_showing_its_password(given, says):
    with pytest.raises(ValueError) as caught:
        normalised(given)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://u:hunter2@h:6379/0", "redis://…@h:6379/0"),
        ("redis://h/0?password=hunter2", "redis://h/0"),
        ("redis://u:hunter2/x@h:6379/0", "redis://…"),
        ("redis://u:hunter2?x@h", "redis://…"),
        ("redis://u:hun@ter2@h", "redis://…"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("unix:///run/v.sock?password=hunter2", "unix:///run/v.sock"),
        ("hunter2", "…"),
    ],
)
def test_what_is_shown_of_an_address_holds_no_secret(given, shown):
    assert redacted(given) == shown


@pytest.mark.parametrize("make", [redis_clients.control, redis_clients.blocking, redis_clients.producer])
async def test_no_client_shows_its_password(make):
    client = make("redis://u:hunter2@127.0.0.1:1/0")
    async with redis_clients.opened(client):
        with pytest.raises(NotConnected) as caught:
            await client.execute_command("PING")
    assert "hunter2" not in f"{client!r} {caught.value} {caught.value!r}"


async def test_a_producer_tries_once_and_a_control_client_tries_again(market, raw):
    counts = {}
    for role in (redis_clients.producer, redis_clients.control):
        async with CountingDoor(market.url) as door:
            client = role(door.url)
            async with redis_clients.opened(client):
                with pytest.raises(NotConnected):
                    await client.execute_command("INCR", "n")
            counts[role.__name__] = door.opened
    assert counts == {"producer": 1, "control": 4}


class CountingDoor:
    """A listener that closes each connection at once, and counts them."""

    def __init__(self, near):
        self.path = near.removeprefix("unix://") + ".door"
        self.url = f"unix://{self.path}"
        self.opened = 0

    async def __aenter__(self):
        self.listener = await anyio.create_unix_listener(self.path)
        self.group = await anyio.create_task_group().__aenter__()
        self.group.start_soon(self.listener.serve, self.close)
        return self

    async def __aexit__(self, *exc_info):
        self.group.cancel_scope.cancel()
        await self.group.__aexit__(None, None, None)
        await self.listener.aclose()
        await anyio.Path(self.path).unlink()

    async def close(self, stream):
        self.opened += 1
        await stream.aclose()


async def test_a_blocking_read_may_wait_longer_than_any_timeout_of_the_other_roles(market, raw):
    client = redis_clients.blocking(market.url)
    async with redis_clients.opened(client), anyio.create_task_group() as group:

        async def push_late():
            await anyio.sleep(2.3)
            raw.lpush("list", "late")

        group.start_soon(push_late)
        assert list(await client.execute_command("BLPOP", "list", 0)) == [b"list", b"late"]


async def test_waiting_for_a_server_ends_when_it_refuses_our_password(market, raw):
    raw.config_set("requirepass", "right")
    try:
        client = redis_clients.control(market.url.replace("unix://", "unix://:wrong@"))
        async with redis_clients.opened(client):
            with anyio.fail_after(5), pytest.raises(AuthenticationError):
                await redis_clients.until_it_answers(client)
    finally:
        raw.config_set("requirepass", "")
