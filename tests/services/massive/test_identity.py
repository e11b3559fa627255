"""From the identity to the configuration of massive."""

import pytest

from services.massive.identity import massive_config
from services.shared.identity import ConfigError

SETUP = {
    "service_name": "massive",
    "MASSIVE_WS_URL": "wss://feed.example",
    "MASSIVE_API_KEY": "canary-key",
    "buses": {
        "system-redis": {"url": "redis://127.0.0.1:6379"},
        "market-redis": {"url": "redis://127.0.0.1:6380"},
        "intel-redis": {"url": "redis://127.0.0.1:6381"},
    },
    "feed": {"subscriptions": ["T.GOOG"], "silence": 30.0},
}


def test_the_feed_and_the_buses_are_read():
    config = massive_config(SETUP)
    assert config.feed.url == "wss://feed.example"
    assert config.feed.subscriptions == ("T.GOOG",)
    assert config.feed.silence == 30.0
    assert config.buses.market == "redis://127.0.0.1:6380"


@pytest.mark.parametrize("key", ["MASSIVE_WS_URL", "MASSIVE_API_KEY"])
def test_what_is_missing_is_named_with_the_place_to_put_it(key):
    with pytest.raises(ConfigError, match=rf'{key}: put it under "env"'):
        massive_config({name: value for name, value in SETUP.items() if name != key})


@pytest.mark.parametrize(
    ("bus", "says"),
    [
        ({"role": "market"}, "'market-redis' needs the address of a running server, and has none"),
        ({"url": "embedded"}, "has the word embedded, which only the demo allows"),
        ({"url": "http://host"}, "'market-redis': a Redis address begins with redis://"),
    ],
)
def test_a_bus_without_a_proper_address_is_an_error_and_never_an_embedded_server(bus, says):
    with pytest.raises(ConfigError, match='under "buses" in the truth document') as raised:
        massive_config({**SETUP, "buses": {**SETUP["buses"], "market-redis": bus}})
    assert says in str(raised.value)


def test_the_valkey_spellings_of_an_address_are_taken():
    buses = {**SETUP["buses"], "market-redis": {"url": "valkey+unix:///run/market.sock"}}
    assert massive_config({**SETUP, "buses": buses}).buses.market == "unix:///run/market.sock"


def test_a_wrong_type_and_an_unknown_field_of_the_feed_are_named():
    with pytest.raises(ConfigError, match=r"Expected `float \| null`, got `str` - at `\$\.silence`"):
        massive_config({**SETUP, "feed": {"silence": "long"}})
    with pytest.raises(ConfigError, match="unknown field `silnce`"):
        massive_config({**SETUP, "feed": {"silnce": 1.0}})


def test_the_key_is_in_no_text_of_the_configuration():
    config = massive_config(SETUP)
    assert "canary-key" not in f"{config!r} {config} {config.feed!r} {config.feed}"


@pytest.mark.parametrize(
    "url", ["http://h", "canary-host", "", "wss://", "wss://a..b", f"ws://{'a' * 64}", "ws://h:99999", "ws://h/a b"]
)
def test_an_address_of_the_feed_that_cannot_be_one_is_an_error_that_does_not_repeat_it(url):
    with pytest.raises(ConfigError) as raised:
        massive_config({**SETUP, "MASSIVE_WS_URL": url})
    assert "has to begin with ws:// or wss:// and name a host" in str(raised.value) or not url
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:1", "wss://socket.massive.com", "wss://[::1]/x", "wss://no.such.name.yet"]
)
def test_an_address_that_can_be_one_is_taken_whether_somebody_has_the_name_or_not(url):
    assert massive_config({**SETUP, "MASSIVE_WS_URL": url}).feed.url == url
