"""From the identity to the configuration of sentiment."""

import pytest

from services.sentiment.identity import sentiment_config
from services.shared.identity import ConfigError
from services.shared.truth import COMPONENTS, read_component

SETUP = {
    "service_name": "sentiment",
    "buses": {f"{role}-redis": {"url": f"redis://127.0.0.1:{port}"} for role, port in
              (("system", 6379), ("market", 6380), ("intel", 6381))},
}  # fmt: skip


def test_buses_scoring_and_backlog_are_read():
    config = sentiment_config(SETUP | {"workers": {"half_life": 60}, "thresholds": {"grown": 7, "gone": 3}})
    assert config.buses.intel == "redis://127.0.0.1:6381"
    assert config.scoring.half_life == 60
    assert (config.backlog.grown, config.backlog.gone) == (7, 3)


def test_the_component_that_comes_along_says_what_the_defaults_say():
    component = read_component(COMPONENTS / "sentiment.json")
    given = sentiment_config(SETUP | {"workers": component.workers, "thresholds": component.thresholds})
    assert given == sentiment_config(SETUP)


WRONG = {
    "half_life": ({"workers": {"half_life": 0}}, r"workers: Expected `float` > 0"),
    "text_limit": ({"workers": {"text_limit": 100_000}}, r"workers: Expected `int` <= 4000"),
    "unknown": ({"workers": {"halflife": 1}}, r"unknown field `halflife`"),
    "backlog": ({"thresholds": {"grown": 5, "gone": 5}}, r"thresholds: gone has to be below grown, got 5 and 5"),
    "bus": ({"buses": SETUP["buses"] | {"intel-redis": {}}}, r"'intel-redis' needs the address of a running server"),
}


@pytest.mark.parametrize(("changes", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(changes, says):
    with pytest.raises(ConfigError, match=says):
        sentiment_config(SETUP | changes)
