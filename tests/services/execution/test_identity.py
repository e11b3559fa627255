"""From the identity to the configuration of execution."""

import pytest

from services.execution.identity import execution_config
from services.shared.identity import ConfigError
from services.shared.truth import (
    COMPONENTS,
    AccessPoint,
    AccessPoints,
    Bus,
    Component,
    Meta,
    build_truth,
    read_component,
)

SETUP = {
    "service_name": "execution",
    "EXECUTION_BROKER": "apart",
    "EXECUTION_BROKER_SOCKET": "/run/broker.sock",
    "buses": {f"{role}-redis": {"url": f"redis://{role}"} for role in ("system", "market", "intel")},
    "thresholds": {"max_quantity": 5},
    "workers": {"broker": {"slices": 2}},
}


def test_the_broker_the_limits_and_the_buses_are_read():
    config = execution_config(SETUP)
    assert (config.broker.socket, config.broker.embedded, config.broker.slices) == ("/run/broker.sock", False, 2)
    assert config.limits.max_quantity == 5
    assert config.buses.intel == "redis://intel"
    assert not config.broker.faults
    assert execution_config({**SETUP, "EXECUTION_BROKER": "embedded"}).broker.embedded


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"EXECUTION_BROKER_SOCKET": ""}, "execution needs EXECUTION_BROKER_SOCKET"),
        ({"EXECUTION_BROKER_SOCKET": "/" + 107 * "x"}, "bytes at most"),
        ({"EXECUTION_BROKER": "elsewhere"}, "expected embedded or apart, got 'elsewhere'"),
        ({"thresholds": {"max_quantity": 0}}, r"thresholds: Expected `int` >= 1"),
        ({"thresholds": {"max_quantty": 1}}, "unknown field `max_quantty`"),
        ({"workers": {"broker": {"slices": "two"}}}, "broker: Expected `int`"),
        ({"workers": {"decider": {}}}, "nothing to set for decider"),
        ({"buses": {}}, "'system-redis' needs the address"),
    ],
)
def test_what_is_wrong_is_named(changes, says):
    with pytest.raises(ConfigError, match=says):
        execution_config({**SETUP, **changes})


def test_its_component_fits_to_services_that_publish_what_it_reads():
    component = read_component(COMPONENTS / "execution.json")
    others = Component(
        id="others",
        meta=Meta(name="others"),
        access_points=AccessPoints(
            publish_to=tuple(
                AccessPoint(bus=point.bus, key=point.key) for point in component.access_points.subscribe_to
            )
        ),
    )
    buses = {f"{role}-redis": Bus(url=f"redis://{role}") for role in ("system", "market", "intel")}
    assert build_truth([component, others], buses).components["execution"].env["EXECUTION_BROKER"] == "embedded"
