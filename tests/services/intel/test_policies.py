"""Which verdict each failure of a feed gets."""

import pytest
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as NotConnected

from otp.core.classify import classify
from otp.errors import Hung
from otp.exits import Crashed
from otp.policy import Fatal, GiveUp, Limited, RestartAfter
from services.intel.errors import FeedBroken, FeedRefused, FeedThrottled, FeedTooLarge, FeedUnreachable
from services.intel.policies import FEED
from services.shared.identity import ConfigError


@pytest.mark.parametrize(
    ("error", "name", "action", "expected"),
    [
        (FeedUnreachable("f", "refused"), "network_blip", RestartAfter, True),
        (FeedUnreachable("f", "HTTP 503", status=503), "network_blip", RestartAfter, True),
        (FeedThrottled("f"), "rate_limited", RestartAfter, True),
        (FeedRefused("f", 403), "config_error", GiveUp, True),
        (FeedBroken("f", "HTTP 404"), "feed_broken", Limited, True),
        (FeedTooLarge("f", 1), "feed_broken", Limited, True),
        (ConfigError("wrong"), "config_error", Fatal, False),
        (AuthenticationError("wrong password"), "config_error", Fatal, False),
        (NotConnected("away"), "network_blip", RestartAfter, False),
        (Hung("intel/workers/feeds/f", 30.0, ()), "hung", RestartAfter, False),
        (ZeroDivisionError(), "logic_bug", Limited, False),
    ],
)
def test_each_failure_of_a_feed_gets_its_verdict(error, name, action, expected):
    verdict = classify(FEED, Crashed(error))
    assert (verdict.name, type(verdict.action), verdict.expected) == (name, action, expected)


def test_a_feed_that_stays_broken_is_parked_and_takes_nobody_along():
    action = classify(FEED, Crashed(FeedBroken("f", "HTML"))).action
    assert action.then == GiveUp()
