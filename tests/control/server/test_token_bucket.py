"""How often something may be done."""

import pytest

from otp.control.server.token_bucket import TokenBucket


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_burst_may_be_taken_at_once_and_then_as_many_as_come_in_a_second(clock):
    bucket = TokenBucket(2.0, 3, now=clock)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    clock.now += 100.0
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_who_books_and_waits_keeps_to_the_rate(clock):
    bucket, begun = TokenBucket(200.0, 64, now=clock), clock.now
    for _ in range(10_000):
        clock.now += bucket.book()
    assert clock.now - begun == pytest.approx((10_000 - 64) / 200.0)


def test_what_was_booked_early_is_paid_for(clock):
    bucket = TokenBucket(2.0, 1, now=clock)
    assert [bucket.book() for _ in range(3)] == [0.0, 0.5, 1.0]
    clock.now += 1.0
    assert not bucket.take()
