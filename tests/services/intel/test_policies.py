"""Which verdict each failure of a feed gets."""

import pytest
from redis.exceptions import AuthenticationError, ReadOnlyError, ResponseError
from redis.exceptions import ConnectionError as NotConnected

from otp.core.classify import classify
from otp.errors import Hung
from otp.exits import Crashed
from otp.policy import Fatal, GiveUp, Limited, RestartAfter, RestartNow
from services.intel.errors import FeedBroken, FeedRefused, FeedThrottled, FeedTooLarge, FeedUnreachable
from services.intel.policies import FEED
from services.shared.identity import ConfigError
from services.shared.redis_refusals import AccessRefused, NotNow, WrongAnswer


@pytest.mark.parametrize(
    ("error", "name", "action", "expected"),
    [
        (FeedUnreachable("f", "refused"), "network_blip", RestartAfter, True),
        (FeedUnreachable("f", "HTTP 503", status=503), "network_blip", RestartAfter, True),
        (FeedThrottled("f"), "rate_limited", RestartAfter, True),
        (FeedThrottled("f", retry_after=30.0), "asked_to_wait", RestartAfter, True),
        (FeedUnreachable("f", "HTTP 503", status=503, retry_after=30.0), "asked_to_wait", RestartAfter, True),
        (FeedRefused("f", 403), "config_error", GiveUp, True),
        (FeedRefused("f", 403, worked=True), "access_refused", Limited, True),
        (NotNow("READONLY", "a replica"), "not_now", RestartAfter, True),
        (ReadOnlyError("a replica"), "not_now", RestartAfter, True),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), "not_now", RestartAfter, True),
        (WrongAnswer("garbage"), "wrong_answer", RestartAfter, True),
        (AccessRefused("WRONGPASS", worked=False), "config_error", Fatal, False),
        (AccessRefused("WRONGPASS", worked=True), "access_refused", Limited, False),
        (ResponseError("NOGROUP No such key"), "group_gone", RestartNow, False),
        (ResponseError("WRONGTYPE Operation against a key"), "logic_bug", Limited, False),
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


def test_a_feed_that_is_refused_after_it_worked_is_parked_in_the_end():
    assert classify(FEED, Crashed(FeedRefused("f", 403, worked=True))).action.then == GiveUp()
