"""The delay of the n-th try."""

from otp.policy import Backoff

__all__ = ("delay", "shortest")


def delay(backoff: Backoff, failure: int, dice: float) -> float:
    """Seconds before the restart after this failure of a streak.

    Args:
        backoff: how delays grow.
        failure: which one in a row, from 1.
        dice: from 0 to 1; 0.5 is the delay without jitter.
    """
    spread = 1.0 + backoff.jitter * (2.0 * dice - 1.0)
    return min(backoff.cap, _grown(backoff, failure) * spread)


def shortest(backoff: Backoff, failure: int) -> float:
    """The least that `delay` can be."""
    return delay(backoff, failure, 0.0)


def _grown(backoff: Backoff, failure: int) -> float:
    try:
        return min(backoff.cap, backoff.initial * backoff.factor ** (failure - 1))
    except OverflowError:
        return backoff.cap
