"""The rows of the failure table, as policies that services put together.

provider restart    at once, the next ones by a backoff; announced, so it costs nothing
network blip        after a delay that grows
not now             a server that is there and cannot do it at the moment is one that is away: it costs nothing
asked to wait       after as long as a server has asked for; announced, so it costs nothing
group gone          at once, then after a delay that grows: a failover or somebody took a consumer group away
hung                after a delay that grows: a read that is never answered hangs, and so does a peer
refused             a key that worked before: a few tries, further and further apart, then the one above decides
logic bug           a few tries, then the supervisor gives up and the one above decides
config error        nothing is restarted: the tree ends, with exit code 78
"""

from collections.abc import Iterable, Sequence
from typing import Final

from redis.exceptions import AuthenticationError, AuthorizationError, RedisError
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoReply

from otp.errors import Hung
from otp.exits import Normal
from otp.policy import Backoff, Failure, FailurePolicy, Fatal, Limited, RestartAfter, RestartNow, Rule, on
from services.shared.identity import ConfigError
from services.shared.redis_refusals import AccessRefused, WrongAnswer, is_group_gone, is_not_now, is_refusal

PROVIDER_RESTART = RestartNow(then=Backoff(0.5, cap=30.0))
"""What an announced restart gets."""

NETWORK_BLIP = RestartAfter(Backoff(0.5, cap=30.0))
"""What a lost or refused connection gets."""

NOT_NOW = RestartAfter(Backoff(0.5, cap=10.0))
"""What a server gets that is there and says that it cannot do it now, or that answers something else, where the probe
finds nothing wrong any more; until then the child is held."""

REFUSED = Limited(6, within=3_600.0, retry=RestartAfter(Backoff(1.0, factor=4.0, cap=300.0)))
"""What a refusal gets of whom was not refused before: keys are exchanged, and servers err. About ten minutes of it."""

GROUP_GONE = RestartNow(then=Backoff(0.5, cap=10.0))
"""The verdict on a consumer group that is missing, after a failover or a DEL: the next incarnation makes it again."""

LOGIC_BUG = Limited(3, within=60.0)
"""What an error in the code gets: the same line will most likely fail again."""

CONFIG_ERROR = Fatal()
"""What a wrong configuration gets: it stays wrong however often it is read."""

HEALTHY_AFTER = 60.0
"""Seconds up after which a streak of failures is over."""

LONGEST_WAIT: Final = 900
"""Seconds that a server can ask us to wait; who asks for more is asked again then."""

_WAITS: Final = (5, 15, 30, 60, 120, 300, 600, LONGEST_WAIT)


def asked_to_wait(failure: Failure | tuple[Failure, ...]) -> Sequence[Rule]:
    """Rules for failures with a `retry_after`, the seconds that a server has asked for, or None.

    A delay is part of a policy, so there is a rule for each of a few: the shortest one that is long enough counts.
    """
    return tuple(_wait(failure, seconds) for seconds in _WAITS)


def _wait(failure: Failure | tuple[Failure, ...], seconds: int) -> Rule:
    def is_enough(error: BaseException) -> bool:
        asked: float | None = getattr(error, "retry_after", None)
        return asked is not None and min(asked, LONGEST_WAIT) <= seconds

    # The shortest delay with its jitter is still as long as was asked for.
    pause = RestartAfter(Backoff(1.25 * seconds, factor=1.0, cap=1.5 * seconds, jitter=0.2))
    return on(failure, pause, name="asked_to_wait", where=is_enough, expected=True)


COMMON: tuple[Rule, ...] = (
    on(AccessRefused, REFUSED, name="access_refused", worked=True),
    on(RedisError, CONFIG_ERROR, name="config_error", where=is_refusal),
    on(ConfigError, CONFIG_ERROR, name="config_error"),
    on((AuthenticationError, AuthorizationError), CONFIG_ERROR, name="config_error"),
    on(RedisError, NOT_NOW, name="not_now", where=is_not_now, expected=True),
    on(WrongAnswer, NOT_NOW, name="wrong_answer", expected=True),
    on(RedisError, GROUP_GONE, name="group_gone", where=is_group_gone),
    on((NotConnected, NoReply, OSError, TimeoutError), NETWORK_BLIP, name="network_blip"),
    on(Hung, NETWORK_BLIP, name="hung"),
    on((Exception, Normal), LOGIC_BUG, name="logic_bug"),
)
"""Rules that hold in every service, behind its own."""


def policy(*rules: Rule, also: Iterable[Rule] = COMMON) -> FailurePolicy:
    """The policy of a worker: its own rules, then those that hold everywhere, the last of which is that it is a bug."""
    return FailurePolicy(*rules, *also, otherwise=LOGIC_BUG, healthy_after=HEALTHY_AFTER)


REDIS = policy()
"""For workers that talk to Redis and to nobody else."""
