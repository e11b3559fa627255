"""What all services together need to know: the configuration of each."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from services.execution.config import Execution
from services.execution.identity import execution_config
from services.intel.config import Intel
from services.intel.identity import intel_config
from services.massive.config import Massive
from services.massive.identity import massive_config
from services.sentiment.config import Sentiment
from services.sentiment.identity import sentiment_config

SERVICES = ("massive", "intel", "sentiment", "execution")
"""In the order in which they start: each reads what those before it write."""


class MarketSwarm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of each service."""

    massive: Massive
    intel: Intel
    sentiment: Sentiment
    execution: Execution


def marketswarm_config(identities: Mapping[str, Mapping[str, Any]]) -> MarketSwarm:
    """Read the configuration of each service out of its identity.

    Raises:
        ConfigError: an identity does not say what its service needs.
    """
    return MarketSwarm(
        massive=massive_config(identities["massive"]),
        intel=intel_config(identities["intel"]),
        sentiment=sentiment_config(identities["sentiment"]),
        execution=execution_config(identities["execution"]),
    )
