"""How the failures of a news feed are treated: the table of intel, in the terms of `services.intel.errors`.

All of them are part of the business, and none uses up the intensity of the supervisor: a hundred feeds behind a
network that is down are no reason to restart what works.
"""

from dataclasses import replace

from otp.policy import Backoff, FailurePolicy, GiveUp, Limited, RestartAfter, on
from services.intel.errors import FeedBroken, FeedRefused, FeedThrottled, FeedUnreachable
from services.shared import policies


def feed_policy(broken: Backoff) -> FailurePolicy:
    """For a worker that polls a feed.

    A feed that refuses us, at the first poll or over ten minutes, or stays broken is parked until an operator restarts it; the others live.

    Args:
        broken: the delays before a broken feed is tried again.
    """
    tried_again = Limited(5, within=3_600.0, then=GiveUp(), retry=RestartAfter(broken))
    return policies.policy(
        # One line of the configuration is wrong, so one feed ends with it and not, as elsewhere, the service.
        on(FeedRefused, GiveUp(), name="config_error", worked=False, expected=True),
        on(FeedRefused, replace(policies.REFUSED, then=GiveUp()), name="access_refused", worked=True, expected=True),
        *policies.asked_to_wait((FeedThrottled, FeedUnreachable)),
        on(FeedThrottled, RestartAfter(Backoff(60.0, cap=900.0)), name="rate_limited", expected=True),
        on(FeedUnreachable, policies.NETWORK_BLIP, name="network_blip", expected=True),
        on(FeedBroken, tried_again, name="feed_broken", expected=True),
    )


FEED = feed_policy(Backoff(1.0, factor=4.0, cap=300.0))
"""A page that says "back in a minute" instead of the feed has about six minutes to go away."""
