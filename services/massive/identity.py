"""From the identity that `SetupBase` loads to the checked configuration of massive."""

from collections.abc import Mapping
from typing import Any

from services.massive.config import Feed, Massive
from services.shared.identity import block, buses_of, text


def massive_config(setup: Mapping[str, Any]) -> Massive:
    """Read the configuration out of what `SetupBase.load()` returned.

    `MASSIVE_WS_URL` and `MASSIVE_API_KEY` are the component's `env` entries (the shell overrides them), the buses come
    from the truth document, and the block `feed`, if there is one, sets further fields of `Feed` by their names.

    Raises:
        ConfigError: something is missing or has the wrong type; the message says which, never its value.
    """
    feed = block(setup, "feed", Feed, url=text(setup, "MASSIVE_WS_URL"), api_key=text(setup, "MASSIVE_API_KEY"))
    return Massive(feed=feed, buses=buses_of(setup))
