"""From the identity that `SetupBase` loads to the checked configuration of intel."""

from collections.abc import Mapping
from typing import Any

from services.intel.config import Intel, News, Thresholds
from services.shared.identity import block, buses_of


def intel_config(setup: Mapping[str, Any]) -> Intel:
    """Read the configuration out of what `SetupBase.load()` returned.

    The buses come from the truth document; the component's blocks `workers` and `thresholds`, if they are there, set
    fields of `News` and `Thresholds` by their names.

    Raises:
        ConfigError: something is missing or has the wrong type; the message says which, never an address.
    """
    return Intel(
        buses=buses_of(setup), news=block(setup, "workers", News), thresholds=block(setup, "thresholds", Thresholds)
    )
