"""What a Redis server's refusal means: not now, not to us, or an answer to another question.

    NotNow             the server is there and cannot do it at the moment; `.code`
    AccessRefused      the server does not accept our password, or does not allow us the command; `.worked`
    WrongAnswer        what came is no answer to what was asked: the connection is out of step, or somebody between lies

Each is a `ConnectionError` of redis-py: whoever bears a Redis that is away bears these.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    InvalidResponse,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as NotConnected

NOT_NOW: Final = frozenset(
    (
        "BUSY",  # a script or a function of somebody's runs too long
        "CLUSTERDOWN",  # a slot of the cluster has no owner
        "LOADING",  # it has just started and reads its data
        "MASTERDOWN",  # a replica that has lost its primary
        "MISCONF",  # it cannot save, and takes no writes until it can
        "NOREPLICAS",  # too few replicas follow it
        "OOM",  # its memory is used up
        "READONLY",  # it has become a replica
        "TRYAGAIN",  # the keys are on their way to another node
        "UNBLOCKED",  # it has ended a read that waited: its role has changed, or the key is gone
    )
)
"""The words with which a server says that it will do later what it cannot do now."""

REFUSALS: Final = frozenset(("NOAUTH", "NOPERM", "WRONGPASS"))
"""The words with which a server says that it does not know us, or does not allow it to us."""

NO_GROUP: Final = "NOGROUP"
"""The word with which a server says that it has no such consumer group, or has it no more."""

_KNOWN: Final = NOT_NOW | REFUSALS | {NO_GROUP}

_BY_TYPE: Final[tuple[tuple[type[RedisError], str], ...]] = (
    (BusyLoadingError, "LOADING"),
    (MasterDownError, "MASTERDOWN"),
    (ClusterDownError, "CLUSTERDOWN"),
    (OutOfMemoryError, "OOM"),
    (ReadOnlyError, "READONLY"),
    (TryAgainError, "TRYAGAIN"),
    (NoPermissionError, "NOPERM"),
    (AuthenticationError, "WRONGPASS"),
    (AuthorizationError, "NOAUTH"),
)
"""redis-py's classes, which keep the word only as their type; a subclass before its base."""

_PIPELINED: Final = " of pipeline caused error: ("
_WITHIN_A_SCRIPT: Final = "ACL failure in script: "
_WORD: Final = re.compile(
    # At the beginning; as the cause of a discarded transaction; as Redis 6 repeats what a script's call was told.
    r"(?:^|^Transaction discarded because of: |^.{0,200}?: -)(?P<code>[A-Z]{2,20}) "
)


def _init(error: RedisError, message: str) -> None:
    cast("Any", RedisError).__init__(error, message)  # its signature is partly unknown to type checkers


class NotNow(NotConnected):
    """The server is there, and says that it cannot do it now. It did nothing of what it was asked.

    Attributes:
        code: its word for it, one of `NOT_NOW`.
    """

    def __init__(self, code: str, told: object) -> None:
        text = _without_commands(str(told))
        _init(self, text if code in text else f"{code} {text}")
        self.code = code


class AccessRefused(AuthenticationError):
    """The server does not accept our password, or does not allow us the command.

    Attributes:
        worked: whether the same was allowed before, in this process. If not, the configuration is wrong.
    """

    def __init__(self, told: object, *, worked: bool) -> None:
        _init(self, _without_commands(str(told)))
        self.worked = worked


class WrongAnswer(NotConnected):
    """What came is no answer to what was asked; the connection is of no more use."""


def code_of(error: BaseException) -> str:
    """The word with which the server refuses, such as `READONLY`; empty if it gave none that is known here.

    It is found in each of the shapes in which redis-py passes it on: as a type, as the beginning of a message, in the
    report of a pipeline, of a discarded transaction or of a script, and as the cause of a connection that failed.
    """
    codes = (_own_code(one) for one in _with_causes(error))
    return next((code for code in codes if code), "")


def is_not_now(error: BaseException) -> bool:
    """Whether the server says that it cannot do it now."""
    return code_of(error) in NOT_NOW


def is_refusal(error: BaseException) -> bool:
    """Whether the server does not accept us, or does not allow us the command."""
    return code_of(error) in REFUSALS


def is_group_gone(error: BaseException) -> bool:
    """Whether the server says that a consumer group is missing, after a failover or a DEL."""
    return code_of(error) == NO_GROUP


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    if error.__cause__ is not None:  # redis-py wraps once, while it connects
        yield error.__cause__


def _own_code(error: BaseException) -> str:
    if isinstance(error, NotNow):
        return error.code
    if not isinstance(error, RedisError) or isinstance(error, InvalidResponse):
        return ""
    known = next((code for kind, code in _BY_TYPE if isinstance(error, kind)), "")
    return known or (_code_in(str(error)) if isinstance(error, ResponseError) else "")


def _without_commands(message: str) -> str:
    """What the server said, without the commands of ours that redis-py reports with it: they hold others' data."""
    _, pipelined, told = message.rpartition(_PIPELINED)
    return told.removesuffix(",)").strip("'\"") if pipelined else told


def _code_in(message: str) -> str:
    told = _without_commands(message)
    if told.startswith(_WITHIN_A_SCRIPT):
        return "NOPERM"
    found = _WORD.match(told)
    return found["code"] if found and found["code"] in _KNOWN else ""
