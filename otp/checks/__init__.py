"""What a spec is given, checked where it is built: plain values, and functions that are called later.

Runs in whatever thread calls it.
"""

from otp.checks.values import (
    ABOVE_0,
    FINITE,
    LARGEST,
    NAME_LIMIT,
    SHORTEST,
    arguments,
    bounded,
    each,
    flag,
    is_a,
    is_nothing,
    keep,
    member,
    name,
    number,
    text,
    whole,
    wrong,
)

__all__ = (
    "ABOVE_0",
    "FINITE",
    "LARGEST",
    "NAME_LIMIT",
    "SHORTEST",
    "arguments",
    "bounded",
    "each",
    "flag",
    "is_a",
    "is_nothing",
    "keep",
    "member",
    "name",
    "number",
    "text",
    "whole",
    "wrong",
)
