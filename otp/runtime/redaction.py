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
_OPTION = re.compile(rf"(?i)(?P<key>(?<![\w-])--[\w-]{{0,40}}(?:{_KEYS})[\w-]{{0,40}})(?P<sep>\s+)(?:{_QUOTED}|\S+)")
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


# Most messages hold nothing of the kind, and a crash should not wait for eight patterns to find that out.
_HINTS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "key",
    "session",
    "signature",
    "code",
    "dsn",
    "auth",
    "cookie",
)
_SCHEMES = ("bearer", "basic")
_LONG_WORD = re.compile(r"[\w+/=~-]{14}")


def redact(text: str) -> str:
    """`text` without what looks like a secret. Doing it twice changes nothing more."""
    lower = text.lower()
    if _LONG_WORD.search(text) or "eyJ" in text or "-----BEGIN " in text:
        text = _KNOWN.sub(MARK, text)
    if "://" in text:
        text = _URL.sub(lambda found: _url(found[0]), text)
    if "@" in text:
        text = _USERINFO.sub(f"{MARK}@", text)
    if any(hint in lower for hint in _HINTS):
        text = _without_fields(text, (_HEADER, _FIELD, _OPTION, _NAMED))
    if any(scheme in lower for scheme in _SCHEMES):
        text = _without_fields(text, (_BEARER, _BASIC))
    return _LONG.sub(lambda found: _long(found[0]), text)


def _without_fields(text: str, patterns: tuple[re.Pattern[str], ...]) -> str:
    for pattern in patterns:
        text = pattern.sub(_value, text)
    return text


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

_CAPITALS = re.compile(r"[A-Z0-9]{24,}")

_CHANGES = 0.25
"""Changes of the kind of character, for each character: random text has 0.4 and more, names have about 0.2."""


def _is_random(word: str) -> bool:
    if _HEX.fullmatch(word):
        return True
    runs = re.findall(r"[A-Za-z0-9]+", word)
    if sum(map(len, runs)) < _SHORTEST or not re.search(r"[0-9]", word) or not re.search(r"[A-Za-z]", word):
        return False
    if any(len(run) >= _SHORTEST and len(re.findall(r"[0-9]+", run)) >= _DIGIT_GROUPS for run in runs):
        return True
    if any(_CAPITALS.fullmatch(run) for run in runs):
        return True
    kinds = [re.sub(r"[A-Z](?=[a-z])", "a", run) for run in runs]  # a capital begins a word: that is no change
    return sum(_changes(run) for run in kinds) >= _CHANGES * sum(map(len, runs))


_DIGIT_GROUPS = 4
"""Groups of digits in one long run of letters and digits: names have fewer."""


def _changes(run: str) -> int:
    return len(re.findall(r"[0-9]+|[A-Z]+|[a-z]+", run)) - 1
