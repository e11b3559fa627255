"""The tree of intel builds from a config, and looks as drawn here: each feed is a worker of its own."""

from pathlib import Path

import msgspec

from otp.cli.on_paper import draw
from otp.loading import load
from services import intel

CONFIG = {
    "buses": {
        "system": "redis://127.0.0.1:6379",
        "market": "valkey://127.0.0.1:6380",
        "intel": "unix:///run/intel.sock",
    },
    "news": {
        "feeds": [
            {"id": "reuters", "url": "https://reuters.example/rss"},
            {"id": "ecb", "url": "https://ecb.example/rss"},
        ]
    },
}

DRAWING = """\
TREE              RESTART    SHUTDOWN
intel                                  rest_for_one, 5 restarts in 60 s
├─ orchestrator   permanent  5 s       ready
└─ workers        permanent  no limit  one_for_one, 10 restarts in 60 s
   ├─ signals     permanent  5 s       ready, watchdog 30 s
   └─ feeds       permanent  no limit  one_for_one, 10 restarts in 60 s
      ├─ reuters  permanent  5 s       ready
      └─ ecb      permanent  5 s       ready"""


def test_the_tree_builds_from_its_config_and_looks_as_drawn(tmp_path):
    config = tmp_path / "intel.json"
    config.write_bytes(msgspec.json.encode(CONFIG))
    assert draw(load("trees.intel:tree", config)) == DRAWING


def test_the_tree_builds_from_the_example():
    example = Path(intel.__path__[0]) / "example.toml"
    assert "federal-reserve" in draw(load("trees.intel:tree", example))


def test_the_tree_without_feeds_has_an_empty_node_for_them(tmp_path):
    config = tmp_path / "intel.json"
    config.write_bytes(msgspec.json.encode({"buses": CONFIG["buses"]}))
    assert draw(load("trees.intel:tree", config)).splitlines()[-1].split()[1] == "feeds"
