"""Which failures of a streak are delayed, and for how long."""

from otp.policy import Backoff, RestartAfter, RestartNow


def schedule(retry: RestartNow | RestartAfter, streak: int) -> tuple[Backoff | None, int]:
    """The backoff that delays this failure of a streak, None for no delay, and the attempt number within it."""
    if isinstance(retry, RestartAfter):
        return retry.backoff, streak
    return (None, 0) if streak == 1 else (retry.then, streak - 1)


def delay(backoff: Backoff, failure: int, dice: float) -> float:
    """Seconds before the restart after this failure of a streak.

    Args:
        backoff: how delays grow.
        failure: which one in a row, from 1.
        dice: from 0 to 1; 0.5 is the delay without jitter.
    """
    spread = 1.0 + backoff.jitter * (2.0 * dice - 1.0)
    return min(backoff.cap, _grown(backoff, failure) * spread)


def _grown(backoff: Backoff, failure: int) -> float:
    try:
        return min(backoff.cap, backoff.initial * backoff.factor ** (failure - 1))
    except OverflowError:
        return backoff.cap
