"""Addresses of Redis servers: one spelling inside the house, and one that may be shown."""

import re
from typing import Final
from urllib.parse import urlsplit

EMBEDDED: Final = "embedded"
"""The word that stands for an address where a server of our own is wanted."""

SPELLINGS: Final = {
    "redis": "redis",
    "rediss": "rediss",
    "unix": "unix",
    "valkey": "redis",
    "valkeys": "rediss",
    "valkey+unix": "unix",
}

_PLAIN: Final = re.compile(
    r"(?P<user>[^@/?#]*@)?(?P<where>(?:[^@:/?#\[\]]*|\[[0-9a-fA-F:.]+\])(?::\d*)?(?:/[^@?#]*)?)(?:\?[^@]*)?"
)


def normalised(url: str) -> str:
    """Spell an address as redis-py reads it; the `valkey` twins of the schemes are taken too.

    Raises:
        ValueError: the scheme is another one, the port is no port, or a Unix socket has no path. The message shows no
            user name and no password.
    """
    given, mark, rest = url.partition("://")
    scheme = SPELLINGS.get(given.lower())
    if not mark or scheme is None:
        raise ValueError(
            f"a Redis address begins with {', '.join(f'{name}://' for name in SPELLINGS)}; "
            f"got {f'{given}://' if mark else 'an address without a scheme'}; "
            "write for example redis://127.0.0.1:6379/0"
        )
    _check(spelled := f"{scheme}://{rest}")
    return spelled


def redacted(url: str) -> str:
    """Give the address without user name, password and query, for logs and errors.

    Where these cannot be told apart for certain, nothing behind the scheme is shown.
    """
    scheme, mark, rest = url.partition("://")
    parts = _PLAIN.fullmatch(rest)
    if not mark or parts is None:
        return f"{scheme}://…" if mark else "…"
    return f"{scheme}://{'…@' if parts['user'] else ''}{parts['where']}"


def _check(url: str) -> None:
    # urllib quotes what it took for the port or the host, and that can be a piece of the password.
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(
            f"{redacted(url)} is no address: expected a host, and a port from 0 to 65535; "
            "characters like / ? # @ : [ in a password must be percent-encoded"
        ) from None
    if parts.scheme == "unix" and not parts.path:
        raise ValueError("the address of a Unix socket needs a path; write for example unix:///run/valkey.sock")


def checked_address(name: str, url: str | None, *, allow_embedded: bool = False) -> str:
    """The address of a bus as redis-py spells it, or the word `embedded` where that is allowed.

    Raises:
        ValueError: it is missing or wrong, or `embedded` where that is not allowed.
    """
    if url == EMBEDDED and allow_embedded:
        return EMBEDDED
    if not url or url == EMBEDDED:
        raise ValueError(
            f"the bus {name!r} needs the address of a running server, "
            f"and has {'the word embedded, which only the demo allows' if url else 'none'}; "
            "write for example redis://127.0.0.1:6379/0"
        )
    try:
        return normalised(url)
    except ValueError as error:
        raise ValueError(f"the bus {name!r}: {error}") from None
