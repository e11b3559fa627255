"""How the feed's failures are treated: the table of massive, in the terms of `services.massive.errors`."""

from otp.policy import Backoff, RestartAfter, on
from services.massive.errors import (
    AuthFailed,
    AuthTimeout,
    ConnectRefused,
    FeedSilent,
    FrameTooLarge,
    MaxConnections,
    NotEntitled,
    ProviderClosed,
    ProviderTrouble,
    SlowConsumer,
)
from services.shared import policies

RESTART_CODES = (1000, 1001, 1005, 1006, 1012, 1013)
"""Close codes of a provider that goes away and comes back, be it announced or not."""

PROVIDER = policies.policy(
    on((AuthFailed, NotEntitled), policies.CONFIG_ERROR, name="config_error", worked=False),
    on((AuthFailed, NotEntitled), policies.REFUSED, name="access_refused", worked=True),
    on(ProviderTrouble, policies.REFUSED, name="provider_trouble"),
    *policies.asked_to_wait(ConnectRefused),
    on(ProviderClosed, policies.PROVIDER_RESTART, code=RESTART_CODES, name="provider_restart", expected=True),
    # Whoever comes back at once fights its own predecessor, whose connection the provider still counts.
    on(MaxConnections, RestartAfter(Backoff(70.0, cap=600.0, jitter=0.1)), name="max_connections", expected=True),
    on(SlowConsumer, policies.NETWORK_BLIP, name="slow_consumer"),
    on(
        (ProviderClosed, ConnectRefused, AuthTimeout, FeedSilent, FrameTooLarge),
        policies.NETWORK_BLIP,
        name="network_blip",
    ),
)
"""For the worker that holds the provider's socket."""
