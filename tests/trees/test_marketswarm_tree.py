"""The tree of all services in one process builds from one config, and holds the trees that they have alone."""

import msgspec

from otp.core.explain import explain
from otp.loading import load
from trees import execution, intel, massive, sentiment

BUSES = {"system": "redis://127.0.0.1:6379", "market": "redis://127.0.0.1:6380", "intel": "redis://127.0.0.1:6381"}
CONFIG = {
    "massive": {"buses": BUSES, "feed": {"url": "wss://feed.example", "api_key": "k"}},
    "intel": {"buses": BUSES},
    "sentiment": {"buses": BUSES},
    "execution": {"buses": BUSES, "broker": {"socket": "/run/broker.sock"}},
}


def test_it_builds_from_one_config_and_holds_the_trees_of_all_services(tmp_path):
    config = tmp_path / "marketswarm.json"
    config.write_bytes(msgspec.json.encode(CONFIG))
    spec = load("trees.marketswarm:tree", config)
    assert [child.id for child in spec.children] == ["massive", "intel", "sentiment", "execution"]
    for child, alone in zip(spec.children, (massive, intel, sentiment, execution), strict=True):
        kind = alone.tree.__annotations__["config"]
        own = alone.tree(msgspec.convert(CONFIG[child.id], kind))
        assert [each.id for each in own.children] == [each.id for each in child.children]


def test_a_service_that_gives_up_never_ends_the_others(tmp_path):
    config = tmp_path / "marketswarm.json"
    config.write_bytes(msgspec.json.encode(CONFIG))
    found = explain(load("trees.marketswarm:tree", config), "marketswarm/massive/workers/ws_worker")
    assert found.levels[-1].path == "marketswarm"
    assert found.levels[-1].after is None
