"""The table of a policy: what it may say, and which failure gets which verdict."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.core.backoff import delay
from otp.core.classify import classify
from otp.errors import SpecError
from otp.exits import Crashed, Killed, Normal, Shutdown
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, on


class Closed(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Vanished(Closed):
    """A kind of its own."""


POLICY = FailurePolicy(
    on(Closed, RestartNow(then=Backoff()), code=(1012, 1013), name="provider_restart", expected=True),
    on(Closed, RestartAfter(), where=lambda error: error.code < 1000, name="odd"),
    on((OSError, TimeoutError), RestartAfter(Backoff(1.0)), name="network_blip"),
    on(KeyError, Fatal(), name="config_error"),
    on(ValueError, GiveUp()),
    on(Normal, Limited(2, within=10.0), name="returned"),
    otherwise=Limited(3, within=60.0),
)


def name(failure, policy=POLICY):
    exit = Crashed(failure) if isinstance(failure, BaseException) else failure
    return classify(policy, exit).name


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [
        (Closed(1012), "provider_restart"),
        (Vanished(1013), "provider_restart"),
        (Closed(999), "odd"),
        (Closed(1008), "unclassified"),
        (ConnectionResetError(), "network_blip"),
        (KeyError("url"), "config_error"),
        (ValueError(), "value_error"),
        (ZeroDivisionError(), "unclassified"),
        (Normal(), "returned"),
        (Shutdown(), "unclassified"),
        (Killed(), "unclassified"),
    ],
    ids=repr,
)
def test_the_first_rule_that_matches_counts(failure, verdict):
    assert name(failure) == verdict


def test_the_gravest_verdict_of_a_group_counts_however_deep_it_is():
    blip, bug, config = OSError(), ZeroDivisionError(), KeyError()
    assert name(ExceptionGroup("", [blip, bug])) == "unclassified"
    assert name(ExceptionGroup("", [blip, ExceptionGroup("", [Closed(1012)])])) == "network_blip"
    assert (
        name(BaseExceptionGroup("", [bug, ExceptionGroup("", [blip, config]), KeyboardInterrupt()])) == "config_error"
    )


def test_of_two_verdicts_as_grave_the_one_that_costs_counts():
    policy = FailurePolicy(on(OSError, RestartAfter(), name="announced", expected=True), on(KeyError, RestartAfter()))
    verdict = classify(policy, Crashed(ExceptionGroup("", [OSError(), KeyError()])))
    assert (verdict.name, verdict.expected) == ("key_error", False)


def test_actions_are_graver_the_less_is_restarted():
    actions = [RestartNow(), RestartAfter(), Limited(1, within=1.0), GiveUp(), Fatal()]
    failures = [OSError(), KeyError(), ValueError(), TypeError(), ZeroDivisionError()]
    policy = FailurePolicy(*(on(type(failure), action) for failure, action in zip(failures, actions, strict=True)))
    for milder, graver, action in zip(failures, failures[1:], actions[1:], strict=False):
        for group in ([milder, graver], [graver, milder]):
            assert classify(policy, Crashed(ExceptionGroup("", group))).action == action


@pytest.mark.parametrize("attributes", [{"code": 1012}, {"code": None}])
def test_an_attribute_that_is_not_there_does_not_match(attributes):
    verdict = classify(FailurePolicy(on(OSError, Fatal(), **attributes)), Crashed(OSError()))
    assert (verdict.name, verdict.failed) == ("unclassified", ()), "nor is it an error"


def test_all_attributes_have_to_match():
    policy = FailurePolicy(on(OSError, Fatal(), errno=2, filename=("a", "b"), name="missing"))
    assert name(OSError(2, "no such file", "b"), policy) == "missing"
    assert name(OSError(2, "no such file", "c"), policy) == "unclassified"
    assert name(OSError(13, "not yours", "a"), policy) == "unclassified"


def test_a_predicate_that_raises_has_not_matched():
    assert name(OSError(), FailurePolicy(on(OSError, Fatal(), where=lambda error: error.nothing > 1))) == "unclassified"


class Oddity:
    """Compares itself as it is told."""

    def __init__(self, compare):
        self.compare = compare

    def __eq__(self, other):
        return self.compare()

    __hash__ = None


class Reading(Exception):
    """Its `code` is foreign code."""

    def __init__(self, read):
        super().__init__()
        self.read = read

    @property
    def code(self):
        return self.read()


def cancelled():
    raise asyncio.CancelledError


async def coroutine():
    pass


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (cancelled, asyncio.CancelledError),
        (coroutine, TypeError),
        (lambda: Oddity(cancelled), asyncio.CancelledError),
        (lambda: Oddity(coroutine), TypeError),
    ],
)
def test_an_attribute_that_cannot_be_read_or_compared_has_not_matched_and_the_next_rule_may(read, kind):
    policy = FailurePolicy(on(Reading, Fatal(), code=1012), on(Reading, GiveUp(), name="next"))
    verdict = classify(policy, Crashed(Reading(read)))
    assert verdict[:3] == ("next", GiveUp(), False)
    (failed,) = verdict.failed
    assert (failed.role, failed.name) == ("attribute", "reading: code")
    assert isinstance(failed.error, kind)


def test_an_attribute_that_compares_as_equal_matches():
    policy = FailurePolicy(on(Reading, Fatal(), code=1012))
    assert name(Reading(lambda: Oddity(lambda: True)), policy) == "reading"
    assert name(Reading(lambda: Oddity(lambda: 0)), policy) == "unclassified"


@pytest.mark.parametrize("where", [lambda _: cancelled(), lambda _: coroutine(), lambda _: Untruthful()])
def test_a_predicate_that_cannot_tell_is_in_the_verdict(where):
    verdict = classify(FailurePolicy(on(OSError, Fatal(), where=where, name="odd")), Crashed(OSError()))
    assert verdict.name == "unclassified"
    (failed,) = verdict.failed
    assert failed.role == "where="
    assert failed.name.startswith("odd")


class Untruthful:
    def __bool__(self):
        raise ValueError


def test_what_a_predicate_says_is_taken_for_yes_or_no():
    said = FailurePolicy(on(OSError, GiveUp(), where=lambda error: error.args, name="said"))
    assert name(OSError(1), said) == "said"
    assert name(OSError(), said) == "unclassified"


def test_a_type_is_matched_as_except_does_and_nobody_is_asked():
    class Meta(type):
        def __instancecheck__(cls, instance):
            raise GeneratorExit

        def __subclasscheck__(cls, subclass):
            raise GeneratorExit

    class Kind(Exception, metaclass=Meta):
        @property
        def __class__(self):
            raise GeneratorExit

    class Below(Kind):
        pass

    policy = FailurePolicy(on(Kind, GiveUp(), name="kind"))
    assert name(Below(), policy) == "kind"
    assert name(OSError(), policy) == "unclassified"


def test_without_a_rule_a_failure_gets_otps_answer():
    verdict = classify(FailurePolicy(), Crashed(OSError()))
    assert (verdict.action, verdict.expected) == (RestartNow(), False)


@pytest.mark.parametrize(
    ("kind", "called"),
    [(TimeoutError, "timeout_error"), (OSError, "os_error"), (UnicodeDecodeError, "unicode_decode_error")],
)
def test_a_rule_is_called_after_its_first_type(kind, called):
    assert on((kind, KeyError), Fatal()).name == called


@pytest.mark.parametrize(
    "build",
    [
        lambda: Backoff(0.0),
        lambda: Backoff(math.nan),
        lambda: Backoff(1.0, factor=0.5),
        lambda: Backoff(1.0, cap=0.5),
        lambda: Backoff(jitter=1.5),
        lambda: Limited(0, within=1.0),
        lambda: Limited(True, within=1.0),
        lambda: Limited(1, within=math.inf),
        lambda: Limited(1, within=1.0, then=RestartNow()),
        lambda: Limited(1, within=1.0, retry=Fatal()),
        lambda: on(OSError(), Fatal()),
        lambda: on((), Fatal()),
        lambda: on(int, Fatal()),
        lambda: on(OSError, "fatal"),
        lambda: FailurePolicy(OSError),
        lambda: FailurePolicy(otherwise=OSError),
        lambda: FailurePolicy(healthy_after=0),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_expected(build):
    with pytest.raises(SpecError, match="expected"):
        build()


def test_a_rule_that_would_make_a_hot_loop_is_refused():
    with pytest.raises(SpecError, match=r"hot loop; write RestartNow\(then=Backoff\(\)\)"):
        on(OSError, RestartNow(), expected=True)


# ------------------------------------------------------------------------------------------------ delays

BACKOFFS = st.builds(
    lambda initial, factor, more, jitter: Backoff(initial, factor, initial * more, jitter),
    st.floats(0.001, 100),
    st.floats(1, 1e12),
    st.floats(1, 1000),
    st.floats(0, 1),
)


@given(BACKOFFS, st.integers(1, 5_000), st.floats(0, 1))
def test_a_delay_is_the_one_that_a_loop_finds_spread_by_its_jitter_and_never_over_the_cap(backoff, failure, dice):
    naive = backoff.initial
    for _ in range(failure - 1):
        if naive >= backoff.cap:
            break
        naive *= backoff.factor
    naive = min(naive, backoff.cap)
    found = delay(backoff, failure, dice)
    assert (
        naive * (1 - backoff.jitter) * 0.999_999 <= found <= min(backoff.cap, naive * (1 + backoff.jitter) * 1.000_001)
    )
    assert delay(backoff, failure, 0.0) <= found
    assert math.isclose(delay(backoff, failure, 0.5), naive, rel_tol=1e-9)


@given(BACKOFFS, st.integers(1, 200), st.floats(0, 1))
def test_a_later_failure_never_waits_for_less(backoff, failure, dice):
    assert delay(backoff, failure, dice) <= delay(backoff, failure + 1, dice) * 1.000_001


def test_the_default_schedule():
    assert [delay(Backoff(), n, 0.5) for n in range(1, 9)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_at_the_cap_a_delay_may_still_be_shorter_and_not_longer():
    backoff = Backoff(1.0, cap=2.0, jitter=0.5)
    assert [delay(backoff, 9, dice) for dice in (0.0, 0.5, 1.0)] == [1.0, 2.0, 2.0]
