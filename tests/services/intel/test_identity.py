"""From the identity to the configuration of intel."""

import pytest

from services.intel.identity import intel_config
from services.shared.identity import ConfigError
from services.shared.truth import COMPONENTS, Bus, build_truth, read_component

FEED = {"id": "wire", "url": "https://user:canary@news.example/rss?key=canary"}
SETUP = {
    "service_name": "intel",
    "buses": {
        "system-redis": {"url": "redis://127.0.0.1:6379"},
        "market-redis": {"url": "redis://127.0.0.1:6380"},
        "intel-redis": {"url": "redis://127.0.0.1:6381"},
    },
    "workers": {"feeds": [FEED], "names": {"Apple": "AAPL"}},
    "thresholds": {"score": 4.0},
}


def test_feeds_names_thresholds_and_buses_are_read():
    config = intel_config(SETUP)
    (feed,) = config.news.feeds
    assert (feed.id, feed.url, feed.every) == (FEED["id"], FEED["url"], 300.0)
    assert config.news.names == {"Apple": "AAPL"}
    assert config.thresholds.score == 4.0
    assert config.buses.intel == "redis://127.0.0.1:6381"


def test_without_blocks_there_are_no_feeds_and_the_thresholds_are_the_usual_ones():
    config = intel_config({name: SETUP[name] for name in ("service_name", "buses")})
    assert config.news.feeds == ()
    assert config.thresholds.minimum == 30


def feeds(*given):
    return {"workers": {"feeds": list(given)}}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (feeds(FEED, FEED), "two feeds have the id 'wire'"),
        (feeds(FEED | {"url": "ftp://news.example"}), "the url of feed 'wire' has to begin with http:// or https://"),
        (feeds(FEED | {"url": "https:///rss"}), "and name a host"),
        (feeds(FEED | {"url": "https://news.example:canary/"}), "and name a host"),
        (feeds(FEED | {"id": "a/b"}), r"\$\.feeds\[0\]\.id"),
        (feeds(FEED | {"id": "a\n"}), r"\$\.feeds\[0\]\.id"),
        (feeds(FEED | {"every": 0}), r"\$\.feeds\[0\]\.every"),
        (feeds(FEED | {"timeout": -1}), r"\$\.feeds\[0\]\.timeout"),
        (feeds({"id": "wire"}), "missing required field `url`"),
        ({"workers": {"names": {"": "AAPL"}}}, r"\$\.names"),
        ({"workers": {"names": {"Apple": "two words"}}}, r"\$\.names"),
        ({"workers": {"agent": "two\r\nlines"}}, r"\$\.agent"),
        ({"workers": {"feds": []}}, "unknown field `feds`"),
        ({"thresholds": {"score": 0}}, r"\$\.score"),
        ({"thresholds": {"minimum": 1}}, r"\$\.minimum"),
        ({"thresholds": {"sample": 0.0001}}, r"\$\.sample"),
        ({"buses": SETUP["buses"] | {"intel-redis": {}}}, "'intel-redis' needs the address of a running server"),
    ],
)
def test_what_is_wrong_is_named_and_no_address_is_shown(wrong, says):
    with pytest.raises(ConfigError, match=says) as raised:
        intel_config(SETUP | wrong)
    assert "canary" not in str(raised.value)


def test_the_address_of_a_feed_is_in_no_text_of_the_configuration():
    config = intel_config(SETUP)
    assert "canary" not in f"{config!r} {config} {config.news!r} {config.news.feeds[0]!r}"


def test_the_component_that_comes_with_the_service_fits_into_the_truth_document_and_can_be_read():
    buses = {name: Bus(url=bus["url"]) for name, bus in SETUP["buses"].items()}
    component = read_component(COMPONENTS / "intel.json")
    build_truth([read_component(COMPONENTS / "massive.json"), component], buses)
    config = intel_config({"buses": SETUP["buses"], "workers": component.workers, "thresholds": component.thresholds})
    assert all(feed.url.startswith("https://") for feed in config.news.feeds)
    published = {point.key for point in component.access_points.publish_to if point.bus == "intel-redis"}
    keys = config.keys
    assert published == {keys.articles, keys.seen, f"{keys.feed}:*", keys.signals, keys.baseline, keys.position}
