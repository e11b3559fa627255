"""Baselines and the detector, without any bus: what stands out, what does not, and that interruptions change nothing."""

import itertools
import random
from statistics import fmean, pstdev

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from services.intel.anomalies import Detector, SymbolState
from services.intel.baseline import Baseline
from services.intel.config import Thresholds
from services.massive.protocol import Trade

BEGIN = 1_764_000_000_000
LIMITS = Thresholds(sample=1.0, memory=60, minimum=20, score=6.0, cool_down=30.0)


def trade(second, price=100.0, size=100.0, *, symbol="AAPL", q=0, ms=0):
    return Trade(symbol=symbol, price=price, size=size, time=BEGIN + round(second * 1_000) + ms, sequence=q)


def noise(seconds, *, seed=1, begin=0, symbol="AAPL", price=100.0):
    """A price that wanders by 0.03 % a second, volumes within a factor of three; several trades in each sample."""
    dice = random.Random(seed)
    for second in range(begin, begin + seconds):
        for n in range(dice.randrange(1, 4)):
            price *= 1 + dice.gauss(0, 0.0003) / 2
            yield trade(second, round(price, 4), dice.uniform(50, 150), symbol=symbol, q=n, ms=n * 100)


def run(trades, limits=LIMITS, detector=None):
    detector = detector or Detector(limits)
    return [signal for one in trades for signal in detector.take(one)]


def kinds(signals):
    return [(signal.kind, signal.direction) for signal in signals]


# ------------------------------------------------------------------------------------------------ the baseline


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_with_few_samples_mean_and_variance_are_exact(values):
    baseline = Baseline()
    for value in values:
        baseline.learn(value, memory=1_000)
    assert baseline.mean == pytest.approx(fmean(values), abs=1e-6 * (1 + max(map(abs, values))))
    assert baseline.variance**0.5 == pytest.approx(pstdev(values), rel=1e-4, abs=1e-4 * (1 + max(map(abs, values))))


def test_the_older_a_sample_the_less_it_counts():
    baseline = Baseline()
    for value in [0.0] * 500 + [10.0] * 60:
        baseline.learn(value, memory=20)
    assert baseline.mean == pytest.approx(10, abs=0.05)
    assert baseline.variance == pytest.approx(0, abs=0.5)


def test_a_score_counts_deviations_and_believes_none_below_the_least():
    assert Baseline(10, 5.0, 4.0).score(9.0, least=0.5) == 2.0
    assert Baseline(10, 5.0, 4.0).score(1.0, least=0.5) == -2.0
    assert Baseline(10, 5.0, 0.0).score(6.0, least=0.5) == 2.0


# ------------------------------------------------------------------------------------------------ what stands out


@pytest.mark.parametrize("seed", range(20))
def test_ordinary_noise_gives_no_signal(seed):
    assert run(noise(2_000, seed=seed)) == []


@pytest.mark.parametrize(("factor", "direction"), [(1.02, "up"), (0.98, "down")])
def test_a_jump_of_the_price_is_found_once_with_its_size_and_time(factor, direction):
    jump = trade(100, 100 * factor)
    (signal,) = run([*noise(100), jump, *noise(20, begin=101, price=100 * factor)])
    assert (signal.symbol, signal.kind, signal.direction) == ("AAPL", "price", direction)
    assert signal.score > 6
    assert (signal.price, signal.at) == (100 * factor, jump.time / 1_000)
    assert signal.id == f"AAPL:price:{jump.time}"


def test_a_burst_of_volume_is_found():
    burst = [trade(100, 100.0, 2_000.0, q=n) for n in range(5)]
    before = [trade(n, 100.0, 100.0 + n % 7) for n in range(100)]
    (signal,) = run([*before, *burst, trade(101)])
    assert (signal.kind, signal.direction, signal.at) == ("volume", "up", (BEGIN + 100_000) / 1_000)


def test_and_so_is_trade_that_nearly_stops():
    before = [trade(n, 100.0, 10_000.0 + n % 7) for n in range(100)]
    assert kinds(run([*before, trade(100, 100.0, 1.0), trade(101)])) == [("volume", "down")]


def test_price_and_volume_of_one_sample_give_two_signals_with_two_ids():
    signals = run([*noise(100), trade(100, 104.0, 50_000.0), trade(101, 104.0)])
    assert kinds(signals) == [("price", "up"), ("volume", "up")]
    assert len({signal.id for signal in signals}) == 2


def test_nothing_is_measured_before_there_are_samples_enough():
    few = [trade(n) for n in range(LIMITS.minimum - 1)]
    assert run([*few, trade(50, 100.0, 1e6), trade(51)]) == []
    enough = [trade(n) for n in range(LIMITS.minimum)]
    assert kinds(run([*enough, trade(50, 100.0, 1e6), trade(51)])) == [("volume", "up")]


def test_a_price_that_stood_still_may_move_a_little():
    still = [trade(n) for n in range(100)]
    assert run([*still, trade(100, 100.05), trade(101, 100.05)]) == []
    assert kinds(run([*still, trade(100, 101), trade(101, 101)])) == [("price", "up")]


def test_after_a_signal_the_symbol_is_quiet_for_the_cool_down_and_others_are_not():
    trades = list(noise(100))
    for second in range(100, 200):
        price = 100 if second % 2 else 110
        trades += [trade(second, price), trade(second, price, symbol="MSFT")]
    others = [trade(n, symbol="MSFT") for n in range(100)]
    found = run([*others, *trades], structs.replace(LIMITS, memory=10_000))
    moments = [signal.at - BEGIN / 1_000 for signal in found if signal.symbol == "AAPL"]
    assert len(moments) >= 2
    assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(moments))
    assert {signal.symbol for signal in found} == {"AAPL", "MSFT"}


def test_one_spike_does_not_hide_the_next():
    sizes = {100: 1e7, 140: 1e7}
    found = run(trade(n, 100.0, sizes.get(n, 100 + n % 50)) for n in range(142))
    assert kinds(found) == [("volume", "up")] * 2


def test_a_new_level_becomes_ordinary():
    found = run([*(trade(n, 100, 100 + n % 5) for n in range(100)), *(trade(n, 100, 400) for n in range(100, 700))])
    assert found
    assert found[-1].at - BEGIN / 1_000 < 400


def test_a_gap_in_time_is_no_jump_of_the_price():
    night = 17 * 3_600
    morning = [trade(100 + night, 101.0), trade(101 + night, 101.0)]
    assert run([*noise(100), *morning]) == []
    assert kinds(run([*noise(100), trade(100, 101.0), trade(101, 101.0)])) == [("price", "up")]


def test_late_trades_are_left_out_and_counted_and_disorder_within_a_sample_does_not_matter():
    detector = Detector(LIMITS)
    run([*noise(50), trade(10, 500.0, 1e9)], detector=detector)
    assert detector.late == 1
    assert run([trade(50, 100, q=2), trade(50, 900, q=1), trade(51, 100)], detector=detector) == []


@pytest.mark.parametrize("odd", [{"price": 0.0}, {"price": -1.0}, {"size": -5.0}])
def test_trades_that_cannot_be_are_no_trades(odd):
    assert run([*noise(100), trade(100, **odd), trade(101), trade(102)]) == []


# ------------------------------------------------------------------------------------------------ interruptions


def test_states_go_through_the_bus_unchanged_and_the_signals_are_the_same_wherever_the_reading_was_interrupted():
    spikes = [trade(300, 105, 9e4), *noise(100, begin=301, price=105, seed=3), trade(401, 100, 9e4), trade(402)]
    trades = [*noise(300), *spikes]
    expected = run(trades)
    assert len(expected) >= 4
    dice, found, states = random.Random(7), [], {}
    while trades:
        detector = Detector(LIMITS)
        for symbol, text in states.items():
            detector.begin_with(symbol, msgspec.json.decode(text, type=SymbolState))
        some, trades = trades[: (n := dice.randrange(1, 9))], trades[n:]
        found += run(some, detector=detector)
        states = {symbol: msgspec.json.encode(state) for symbol, state in detector.states.items()}
    assert found == expected


def test_a_state_of_samples_of_another_length_is_not_gone_on_from():
    detector = Detector(LIMITS)
    run(noise(100), detector=detector)
    other = Detector(structs.replace(LIMITS, sample=2.0))
    other.begin_with("AAPL", detector.states["AAPL"])
    assert not other.states
