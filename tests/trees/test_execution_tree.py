"""The tree of execution builds from its config, and looks as drawn here."""

import msgspec
import pytest

from otp.cli.on_paper import draw
from otp.loading import load

CONFIG = {
    "broker": {"socket": "/run/broker.sock"},
    "buses": {"system": "redis://s", "market": "redis://m", "intel": "redis://i"},
}

EMBEDDED = """\
TREE                 RESTART    SHUTDOWN
execution                                 one_for_one, 5 restarts in 60 s
├─ broker            permanent  5 s       ready
├─ orchestrator      permanent  5 s       ready
└─ workers           permanent  no limit  one_for_one, 10 restarts in 60 s
   ├─ decider        permanent  5 s       ready
   ├─ submitter      permanent  5 s       ready
   └─ fill_recorder  permanent  5 s       ready"""

APART = "\n".join(line for line in EMBEDDED.splitlines() if "─ broker" not in line)


def loaded(tmp_path, **broker):
    config = tmp_path / "execution.json"
    config.write_bytes(msgspec.json.encode({**CONFIG, "broker": {**CONFIG["broker"], **broker}}))
    return load("trees.execution:tree", config)


@pytest.mark.parametrize(("embedded", "drawing"), [(True, EMBEDDED), (False, APART)])
def test_it_looks_as_drawn(tmp_path, embedded, drawing):
    assert draw(loaded(tmp_path, embedded=embedded)) == drawing


def needs(spec):
    workers = {child.id: child for child in spec.children[-1].children}
    return {id: child.needs for id, child in workers.items()}


def test_a_broker_apart_is_a_dependency_and_an_embedded_one_a_sibling(tmp_path):
    assert needs(loaded(tmp_path, embedded=False)) == {
        "decider": ("intel-redis",),
        "submitter": ("intel-redis", "broker"),
        "fill_recorder": ("intel-redis", "broker"),
    }
    assert set(needs(loaded(tmp_path)).values()) == {("intel-redis",)}
    assert loaded(tmp_path).children[0].needs == ("intel-redis", "market-redis")


@pytest.mark.parametrize("embedded", [True, False])
def test_the_socket_and_the_limits_of_the_config_reach_the_workers(tmp_path, embedded):
    spec = loaded(tmp_path, embedded=embedded, socket="/run/other.sock", timeout=1.5)
    submitter = spec.children[-1].children[1]
    assert submitter.args[0].broker.socket == "/run/other.sock"
    assert submitter.args[0].broker.timeout == 1.5
