"""From the identity that `SetupBase` loads to the checked configuration of sentiment."""

from collections.abc import Mapping
from typing import Any

from services.sentiment.config import Backlog, Scoring, Sentiment
from services.shared.identity import block, buses_of


def sentiment_config(setup: Mapping[str, Any]) -> Sentiment:
    """Read the configuration out of what `SetupBase.load()` returned.

    The buses come from the truth document; the block `workers`, if there is one, sets fields of `Scoring` by their
    names, the block `thresholds` those of `Backlog`.

    Raises:
        ConfigError: something is missing or wrong; the message says which.
    """
    return Sentiment(
        buses=buses_of(setup),
        scoring=block(setup, "workers", Scoring),
        backlog=block(setup, "thresholds", Backlog),
    )
