import logging

import msgspec
import pytest
from redis.exceptions import ConnectionError as NotConnected

from services.shared import redis_clients
from services.shared.setup_base import SetupBase
from services.shared.truth import (
    COMPONENTS,
    AccessPoint,
    AccessPoints,
    Bus,
    Component,
    Heartbeat,
    Meta,
    build_truth,
    publish_truth,
    read_component,
)

BUSES = {name: Bus(url=f"redis://h/{n}", role=name) for n, name in enumerate(("system-redis", "market-redis"))}
LOG = logging.getLogger("setup")


def component(id="intel", *, reads=(), writes=(), **fields):
    points = AccessPoints(
        subscribe_to=tuple(AccessPoint(bus=bus, key=key) for bus, key in reads),
        publish_to=tuple(AccessPoint(bus=bus, key=key) for bus, key in writes),
    )
    return Component(id=id, meta=Meta(name=id), access_points=points, **fields)


def test_the_component_of_massive_makes_a_truth_document():
    massive = read_component(COMPONENTS / "massive.json")
    truth = build_truth([massive], BUSES, node="here")
    document = msgspec.json.decode(msgspec.json.encode(truth))
    assert set(document) == {"version", "node", "buses", "components"}
    assert document["components"]["massive"]["env"]["MASSIVE_API_KEY"] == ""
    assert document["buses"]["market-redis"] == {"url": "redis://h/1", "role": "market-redis"}


def test_a_subscription_may_match_a_published_pattern():
    writer = component("massive", writes=[("market-redis", "massive:model:spot:*")])
    reader = component("intel", reads=[("market-redis", "massive:model:spot:SPX")])
    assert build_truth([writer, reader], BUSES).components["intel"] == reader


@pytest.mark.parametrize(
    ("components", "says"),
    [
        ([component(reads=[("market-redis", "nobody:writes")])], "'nobody:writes' on market-redis, which no component"),
        (
            [component("a", writes=[("system-redis", "k")]), component("b", reads=[("market-redis", "k")])],
            "b: subscribes to 'k' on market-redis",
        ),
        ([component(writes=[("echo-redis", "k")])], "the bus 'echo-redis' is none of market-redis, system-redis"),
        ([component("twin"), component("twin")], "'twin' is there twice"),
        ([component(dependencies=("mesh",))], "depends on 'mesh'"),
        ([component(heartbeat=Heartbeat(interval_sec=5, ttl_sec=5))], "expected 0 < interval_sec < ttl_sec"),
        ([component(env={"models": "x"})], "'models' is no name for the environment"),
    ],
)
def test_a_contradiction_is_refused_with_what_is_wrong(components, says):
    with pytest.raises(ValueError) as caught:
        build_truth(components, BUSES)
    assert says in str(caught.value)


def test_a_wrong_address_is_refused_without_its_password():
    with pytest.raises(ValueError) as caught:
        build_truth([component()], {"system-redis": Bus(url="http://u:hunter2@h")})
    assert "bus system-redis" in str(caught.value)
    assert "hunter2" not in f"{caught.value} {Bus(url='redis://u:hunter2@h')!r}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{oops", "wrong.json"),
        ('{"id": "x", "meta": {"name": "x"}}', "access_points"),
        ('{"id": "x", "meta": {"name": "x"}, "access_points": {}, "enviroment": {}}', "enviroment"),
    ],
)
def test_a_component_file_with_a_mistake_is_refused_by_its_name(tmp_path, text, says):
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        read_component(path)
    assert says in str(caught.value)


@pytest.fixture
def truth_at(market, monkeypatch):
    monkeypatch.setenv("TRUTH_REDIS_URL", market.url)
    monkeypatch.setenv("TRUTH_REDIS_KEY", "truth:test")
    for name in ("MASSIVE_WS_URL", "MASSIVE_API_KEY", "MASSIVE_RUN_MODE", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    return market.url


async def publish(url, *components):
    client = redis_clients.control(url)
    async with redis_clients.opened(client):
        await publish_truth(client, build_truth(components, BUSES), "truth:test")


async def test_the_configuration_has_the_keys_of_the_contract(truth_at):
    await publish(truth_at, msgspec.structs.replace(read_component(COMPONENTS / "massive.json"), workers={"ws": 1}))
    config = await SetupBase("massive", LOG).load()
    assert config["service_name"] == "massive"
    assert config["meta"]["name"] == "Massive"
    assert config["inputs"] == [{"bus": "market-redis", "key": "massive:ws:stream"}]
    assert {"bus": "system-redis", "key": "massive:heartbeat"} in config["outputs"]
    assert config["heartbeat"] == {"interval_sec": 5, "ttl_sec": 15}
    assert config["models"]["produces"] == ["spot", "bar"]
    assert config["buses"]["system-redis"] == {"url": "redis://h/0", "role": "system-redis"}
    assert config["shared_resources"] == {}
    assert config["workers"] == {"ws": 1}
    assert config["MASSIVE_WS_URL"] == "wss://socket.massive.com"
    assert "feed" not in config


async def test_the_environment_wins_over_the_components_env(truth_at, monkeypatch):
    await publish(truth_at, component("massive", env={"MASSIVE_WS_URL": "ws://truth", "LIMIT": 3}))
    monkeypatch.setenv("MASSIVE_WS_URL", "ws://shell")
    monkeypatch.setenv("NOT_OURS", "x")
    config = await SetupBase("massive", LOG).load()
    assert config["MASSIVE_WS_URL"] == "ws://shell"
    assert config["LIMIT"] == 3
    assert "NOT_OURS" not in config


async def test_a_service_extends_its_configuration_in_place_or_by_another_one(truth_at):
    await publish(truth_at, component("massive"))

    class InPlace(SetupBase):
        async def extend_config(self, config):
            config["more"] = 1

    class Another(SetupBase):
        async def extend_config(self, config):
            return {"only": config["service_name"]}

    assert (await InPlace("massive", LOG).load())["more"] == 1
    assert await Another("massive", LOG).load() == {"only": "massive"}


async def test_a_missing_document_is_an_error_that_says_where_it_was_looked_for(truth_at):
    with pytest.raises(RuntimeError) as caught:
        await SetupBase("massive", LOG).load()
    assert f"the key 'truth:test' on {truth_at}" in str(caught.value)
    assert "set TRUTH_REDIS_URL and TRUTH_REDIS_KEY" in str(caught.value)


async def test_a_missing_component_is_an_error_that_names_those_that_are_there(truth_at):
    await publish(truth_at, component("intel"), component("mesh"))
    with pytest.raises(RuntimeError, match=r"no component 'massive'.*holds intel, mesh.*components/massive\.json"):
        await SetupBase("massive", LOG).load()


@pytest.mark.parametrize("text", ["{oops", "[]", '{"components": {"massive": 3}}'])
async def test_a_document_that_cannot_be_read_is_an_error(truth_at, raw, text):
    raw.set("truth:test", text)
    with pytest.raises(RuntimeError, match="cannot be read"):
        await SetupBase("massive", LOG).load()


async def test_neither_error_nor_log_shows_the_password_of_the_truth_redis(monkeypatch, caplog):
    monkeypatch.setenv("TRUTH_REDIS_URL", "redis://u:hunter2@127.0.0.1:1/0")
    setup = SetupBase("massive", LOG)
    with pytest.raises(NotConnected) as caught:
        await setup.load()
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caplog.text} {setup._where()}"
