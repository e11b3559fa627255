"""The rows of the failure table, as policies that services put together.

provider restart    at once, the next ones by a backoff; announced, so it costs nothing
network blip        after a delay that grows
hung                the same: a read that is never answered hangs, and so does a peer
logic bug           a few tries, then the supervisor gives up and the one above decides
config error        nothing is restarted: the tree ends, with exit code 78
"""

from collections.abc import Iterable

from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoReply

from otp.errors import Hung
from otp.exits import Normal
from otp.policy import Backoff, FailurePolicy, Fatal, Limited, RestartAfter, RestartNow, Rule, on
from services.shared.identity import ConfigError

__all__ = ("CONFIG_ERROR", "LOGIC_BUG", "NETWORK_BLIP", "PROVIDER_RESTART", "REDIS", "policy")

PROVIDER_RESTART = RestartNow(then=Backoff(0.5, cap=30.0))
"""What an announced restart gets."""

NETWORK_BLIP = RestartAfter(Backoff(0.5, cap=30.0))
"""What a lost or refused connection gets."""

LOGIC_BUG = Limited(3, within=60.0)
"""What an error in the code gets: the same line will most likely fail again."""

CONFIG_ERROR = Fatal()
"""What a wrong configuration gets: it stays wrong however often it is read."""

HEALTHY_AFTER = 60.0
"""Seconds up after which a streak of failures is over."""


def _is_denied(error: BaseException) -> bool:
    """While it connects, redis-py wraps the server's refusal into its ConnectionError."""
    return isinstance(error.__cause__, AuthenticationError | AuthorizationError)


COMMON: tuple[Rule, ...] = (
    on((AuthenticationError, AuthorizationError, NoPermissionError), CONFIG_ERROR, name="config_error"),
    on(NotConnected, CONFIG_ERROR, name="config_error", where=_is_denied),
    on(ConfigError, CONFIG_ERROR, name="config_error"),
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
