"""Taking secrets out of text that others will read.

It stands here and not with the log, since `describe` calls it: there an exception becomes a `Crash`, once for all who
read events, so that no event carries the secret and no sink can forget to look.

    redis://bob:hunter2@host/0?db=1      redis://[redacted]@host/0?db=[redacted]
    api_key=abc, 'token': 'x y'          api_key=[redacted] 'token': [redacted]
    Authorization: Bearer abc            Authorization: [redacted]
    AKIAIOSFODNN7EXAMPLE, a long hash    [redacted]

Where the end of a secret cannot be told for certain, more is taken. What looks like a word is left: a password of plain
words in running prose ("password hunter two") cannot be told from the prose.
"""

import re
from collections.abc import Callable

__all__ = ("MARK", "redact")

MARK = "[redacted]"
"""Stands where something was taken out."""

_HEADERS = r"(?:proxy[-_]?)?authorization|(?:set[-_]?)?cookie"

_KEYS = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|"
    r"(?:api|access|private|signing|encryption|secret|auth|account)[-_ ]?key|apikey|"
    r"session[-_]?id|signature|otp[-_]?code|dsn|_auth\b|\bauth\b"
)

_QUOTED = r"""\[redacted\]|[bruBRU]{0,2}\\*"(?:[^"\\]|\\(?!"(?:[\s,}\])]|$)).)*(?:\\*"|$)|[bruBRU]{0,2}\\*'(?:[^'\\]|\\(?!'(?:[\s,}\])]|$)).)*(?:\\*'|$)"""

_ASSIGNED = r"""(?P<sep>[\\"'\])]{0,4}\s{0,8}(?:=>|:=|[:=])\s{0,8})"""

_URL = re.compile(r"(?<=://)\S+")
_USERINFO = re.compile(r"""(?<![^\s"'(\[{<,;=])[^\s:@/"'=\[]{1,64}:[^\s@/]{1,256}@(?=[\w\[])""")
_HEADER = re.compile(rf"(?i)(?P<key>\b(?:{_HEADERS})){_ASSIGNED}(?:{_QUOTED}|[^\r\n]+)")
_FIELD = re.compile(rf"(?i)(?P<key>(?:{_KEYS})[\w-]{{0,40}}){_ASSIGNED}(?:{_QUOTED}|\S+)")
_OPTION = re.compile(rf"(?i)(?P<key>--[\w-]{{0,40}}(?:{_KEYS})[\w-]{{0,40}})(?P<sep>\s+)(?:{_QUOTED}|\S+)")
_NAMED = re.compile(rf"(?i)(?P<key>\b(?:{_KEYS}))(?P<sep>\s{{1,4}})(?:{_QUOTED})")
_BEARER = re.compile(r"(?P<key>\b[Bb](?:earer|EARER))(?P<sep>\s+)[^\s,;\"']{6,}")
_BASIC = re.compile(r"(?P<key>\b[Bb](?:asic|ASIC))(?P<sep>\s+)(?=[A-Za-z+/]*[A-Z0-9=])[A-Za-z0-9+/]{6,}={0,2}")
_KNOWN = re.compile(
    r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"  # a JSON Web Token
    r"|\b(?:sk|pk|rk)[-_][\w-]{12,}|\b(?:gh[opsur]|github_pat|glpat|xox[a-z]|hf|npm|pypi)[-_][\w-]{12,}"
    r"|\b(?:AKIA|ASIA|AIza)[\w-]{12,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
)
_LONG = re.compile(r"[A-Za-z0-9_+/=~-]{20,}")


def redact(text: str) -> str:
    """`text` without what looks like a secret. Doing it twice changes nothing more."""
    text = _KNOWN.sub(MARK, text)
    text = _URL.sub(lambda found: _url(found[0]), text)
    text = _USERINFO.sub(f"{MARK}@", text)
    for pattern in (_HEADER, _FIELD, _OPTION, _NAMED, _BEARER, _BASIC):
        text = pattern.sub(_value, text)
    return _LONG.sub(lambda found: _long(found[0]), text)


def _value(found: re.Match[str]) -> str:
    return f"{found['key']}{found['sep']}{MARK}"


def _url(rest: str) -> str:
    """What stands behind `://`. All up to the last `@` may be the password, for nobody need have quoted it."""
    userinfo, at, place = rest.rpartition("@")
    place, query, pairs = place.partition("?")
    place, fragment, _ = place.partition("#")
    if userinfo or at:
        place = f"{MARK}@{place}"
    if query:
        return f"{place}?{'&'.join(map(_pair, pairs.split('&')))}"
    return f"{place}#{MARK}" if fragment else place


def _pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={MARK}" if equals else MARK


def _long(word: str) -> str:
    """A long word without what is random in it: a part between slashes, or all of it."""
    parts = [MARK if len(part) >= _SHORTEST and _is_random(part) else part for part in word.split("/")]
    if MARK in parts:
        return "/".join(parts)
    return MARK if _is_random(word) else word


_SHORTEST = 20
"""Characters: what is shorter is left, so that names, dates and prices are."""

_HEX = re.compile(r"(?=[0-9-]*[a-fA-F])(?=[a-fA-F-]*[0-9])[0-9a-fA-F]{8}[0-9a-fA-F-]{12,}")

_CHANGES: float = 0.3
"""Changes of the kind of character, for each character: random text has 0.4 and more, names have less than 0.25."""


def _is_random(word: str) -> bool:
    if _HEX.fullmatch(word):
        return True
    kinds = [[_kind(c) for c in run] for run in re.findall(r"[A-Za-z0-9]+", word)]
    length = sum(map(len, kinds))
    changes = sum(a is not b for run in kinds for a, b in zip(run, run[1:], strict=False))
    mixed = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
    return mixed and length >= _SHORTEST and changes >= _CHANGES * length


def _kind(c: str) -> Callable[[str], bool]:
    return str.isdigit if c.isdigit() else str.isupper if c.isupper() else str.islower
