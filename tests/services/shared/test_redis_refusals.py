"""What is told apart in a server's refusals, in every shape in which redis-py passes them on, from real servers."""

import anyio
import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ExecAbortError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as NotConnected

from services.shared import redis_clients
from services.shared.bus_probe import takes_writes
from services.shared.redis_refusals import NOT_NOW, REFUSALS, AccessRefused, NotNow, code_of, is_not_now

WRAPPED = NotConnected("wrapped")
WRAPPED.__cause__ = AuthenticationError("invalid username-password pair")


@pytest.mark.parametrize("code", sorted(NOT_NOW | REFUSALS))
@pytest.mark.parametrize(
    "shape",
    [
        "{} some words",
        "{} some words script: 0123abcd, on @user_script:1.",
        "Transaction discarded because of: {} some words",
        "Error running script (call to f_0123abcd): @user_script:12: @user_script: 12: -{} some words",
        "Command # 3 (XADD key * field -OOM it is) of pipeline caused error: ('{} some words',)",
        'Command # 3 (XADD key * a "b") of pipeline caused error: ("{} it\'s some words",)',
    ],
)
def test_each_word_is_found_in_each_shape(code, shape):
    kind = ExecAbortError if shape.startswith("Transaction") else ResponseError
    assert code_of(kind(shape.format(code))) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReadOnlyError("x"), "READONLY"),
        (OutOfMemoryError("x"), "OOM"),
        (BusyLoadingError("x"), "LOADING"),
        (MasterDownError("x"), "MASTERDOWN"),
        (ClusterDownError("x"), "CLUSTERDOWN"),
        (TryAgainError("x"), "TRYAGAIN"),
        (AuthenticationError("x"), "WRONGPASS"),
        (WRAPPED, "WRONGPASS"),
        (ResponseError("ACL failure in script: User worker has no permissions to run the 'set' command"), "NOPERM"),
        (NotNow("BUSY", "x"), "BUSY"),
        (ResponseError("BUSYGROUP Consumer Group name already exists"), ""),
        (ResponseError("BUSYKEY Target key name already exists."), ""),
        (ResponseError("WRONGTYPE Operation against a key: READONLY x"), ""),
        (ResponseError("READONLYX x"), ""),
        (NotConnected("Connection refused"), ""),
        (ValueError("READONLY x"), ""),
    ],
    ids=repr,
)
def test_each_type_is_known_and_nothing_else_is_taken_for_one(error, code):
    assert code_of(error) == code
    assert is_not_now(error) == (code in NOT_NOW)


async def command(client):
    await client.execute_command("SET", "k", "v")


async def script(client):
    await client.register_script("return redis.call('SET', KEYS[1], ARGV[1])")(keys=["k"], args=["v"])


async def pipeline(client):
    together = client.pipeline(transaction=False)
    together.execute_command("SET", "k", "v")
    await together.execute()


async def transaction(client):
    together = client.pipeline(transaction=True)
    together.execute_command("SET", "k", "it's -MISCONF v")
    together.execute_command("SET", "l", "v")
    await together.execute()


async def unraised(client):
    together = client.pipeline(transaction=False)
    together.execute_command("SET", "k", "v")
    (reply,) = await together.execute(raise_on_error=False)
    if isinstance(reply, Exception):
        raise reply


async def probe(client):
    await takes_writes(client, "test:probe")


WAYS = [command, script, pipeline, transaction, unraised, probe]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", [redis_clients.control, redis_clients.producer, redis_clients.blocking])
async def test_whichever_way_a_write_goes_a_server_without_memory_is_one_that_says_not_now(market, raw, way, role):
    client = role(market.url)
    async with redis_clients.opened(client):
        await way(client)
        raw.config_set("maxmemory", 1)
        try:
            with pytest.raises(NotNow) as caught:
                await way(client)
        finally:
            raw.config_set("maxmemory", 0)
        assert caught.value.code == "OOM"
        assert str(caught.value).startswith("OOM command not allowed when used memory > 'maxmemory'.")
        await way(client)
    assert not raw.keys("test:probe")


async def test_after_a_refusal_no_connection_of_before_is_used_again(market, raw):
    client = redis_clients.producer(market.url)
    async with redis_clients.opened(client):
        before = await client.execute_command("CLIENT", "ID")
        raw.config_set("maxmemory", 1)
        try:
            with pytest.raises(NotNow):
                await command(client)
        finally:
            raw.config_set("maxmemory", 0)
        assert await client.execute_command("CLIENT", "ID") > before


@pytest.mark.parametrize("way", [way for way in WAYS if way is not probe])
async def test_a_command_that_was_allowed_before_is_told_from_one_that_never_was(market, raw, way):
    raw.acl_setuser("worker", enabled=True, passwords=["+right"], keys=["*"], categories=["+@all"], reset=True)
    url = market.url.replace("unix://", "unix://worker:right@")
    try:
        known, stranger = redis_clients.producer(url), redis_clients.producer(url)
        async with redis_clients.opened(known), redis_clients.opened(stranger):
            await way(known)
            await stranger.execute_command("PING")
            raw.acl_setuser("worker", commands=["-set", "-evalsha"])
            for client, worked in ((known, True), (stranger, False)):
                with pytest.raises(AccessRefused) as caught:
                    await way(client)
                assert caught.value.worked == worked
            await takes_writes(known, "test:probe")  # it is there, whatever it allows us
    finally:
        raw.acl_deluser("worker")


async def test_a_password_that_was_right_before_is_told_from_one_that_never_was(market, raw):
    known, stranger = (redis_clients.producer(market.url.replace("unix://", "unix://:old@")) for _ in range(2))
    async with redis_clients.opened(known), redis_clients.opened(stranger):
        raw.config_set("requirepass", "old")
        try:
            await command(known)
            raw.config_set("requirepass", "new")
            raw.client_kill_filter(_type="normal", skipme=True)
            for client, worked in ((known, True), (stranger, False)):
                with pytest.raises(AccessRefused) as caught:
                    while True:
                        try:
                            await command(client)
                        except AccessRefused:
                            raise
                        except NotConnected:  # the connection that was killed
                            continue
                assert caught.value.worked == worked
                assert "old" not in str(caught.value)
        finally:
            raw.config_set("requirepass", "")


async def test_a_subscription_says_it_in_the_same_words(market, raw):
    client = redis_clients.control(market.url.replace("unix://", "unix://:wrong@"))
    raw.config_set("requirepass", "right")
    try:
        async with redis_clients.opened(client):
            channel = client.pubsub()
            with anyio.fail_after(5), pytest.raises(AccessRefused) as caught:
                await channel.subscribe("news")
            assert not caught.value.worked
            await channel.aclose()
    finally:
        raw.config_set("requirepass", "")
