"""What all services together need to know: the configuration of each."""

from msgspec import Struct

from services.execution.config import Execution
from services.intel.config import Intel
from services.massive.config import Massive
from services.sentiment.config import Sentiment

__all__ = ("SERVICES", "MarketSwarm")

SERVICES = ("massive", "intel", "sentiment", "execution")
"""In the order in which they start: each reads what those before it write."""


class MarketSwarm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of each service."""

    massive: Massive
    intel: Intel
    sentiment: Sentiment
    execution: Execution
