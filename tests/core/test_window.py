"""The restart window against the list of S27, in float seconds (D1)."""

from hypothesis import example, given
from hypothesis import strategies as st

from otp.core.intensity import RestartWindow

GAPS = st.lists(st.one_of(st.floats(0, 3), st.sampled_from([0.0, 1.0, 2.0, 5.0])), max_size=60)


class NaiveWindow:
    """S27 as it is written: a list, newest first, filtered and counted at each restart."""

    def __init__(self, intensity, period):
        self.intensity = intensity
        self.period = period
        self.stamps = []

    def record(self, now):
        keep = [stamp for stamp in self.stamps if stamp >= now - self.period]
        self.stamps = [now, *keep]
        return len(self.stamps) <= self.intensity


@given(st.integers(0, 6), st.sampled_from([0.1, 1.0, 5.0]), GAPS)
@example(1, 5.0, [0.0, 5.0])
@example(2, 1.0, [0.0, 0.0, 1.0, 1.0])
def test_the_window_decides_as_the_list_of_s27_does(intensity, period, gaps):
    window, naive, now = RestartWindow(intensity, period), NaiveWindow(intensity, period), 0.0
    for gap in gaps:
        now += gap
        allowed = window.record(now)
        assert allowed == naive.record(now)
        assert window.used == len(naive.stamps)
        if not allowed:  # the supervisor gives up, nothing is recorded any more
            break


def test_the_limit_is_fine_and_one_more_is_not_s28():
    window = RestartWindow(3, 5.0)
    assert [window.record(1.0) for _ in range(4)] == [True, True, True, False]


def test_an_intensity_of_zero_allows_nothing_s28():
    assert not RestartWindow(0, 5.0).record(0.0)


def test_a_restart_exactly_one_period_ago_still_counts_s27():
    window = RestartWindow(1, 5.0)
    assert window.record(10.0)
    assert not window.record(15.0)


def test_a_restart_just_over_one_period_ago_is_forgotten_d1():
    window = RestartWindow(1, 5.0)
    assert window.record(10.0)
    assert window.record(15.000_001)


def test_parts_of_a_second_count_d1():
    window = RestartWindow(1, 0.25)
    assert window.record(0.0)
    assert window.record(0.3)
    assert not window.record(0.5)


def test_a_window_never_holds_more_than_one_stamp_above_its_intensity():
    window = RestartWindow(2, 1.0)
    for at in range(1_000):
        assert window.record(float(at))
        assert window.used <= 3


def test_how_much_is_used_now_is_told_without_counting_anything():
    window = RestartWindow(3, 5.0)
    window.record(0.0)
    window.record(3.0)
    assert [window.used_at(now) for now in (3.0, 5.0, 5.1, 8.1)] == [2, 2, 1, 0]
    assert window.used == 2
