"""Links: one spelling for the many under which the same page is linked."""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

TRACKING: Final = frozenset({"fbclid", "gclid", "dclid", "msclkid", "igshid", "mc_cid", "mc_eid", "yclid", "cmpid"})
"""Parameters that say where a reader comes from, and not what is read; with those that begin with `utm_`."""

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def normalised(link: str) -> str:
    """The link without scheme, user, default port, fragment and tracking, its host in lower case, its query in order.

    What is no link is given back as it is.
    """
    try:
        parts = urlsplit(link.strip())
        port = parts.port
    except ValueError:
        return link.strip()
    if not parts.hostname:
        return link.strip()
    shown_port = "" if port in {None, DEFAULT_PORTS.get(parts.scheme)} else f":{port}"
    query = urlencode(sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _tracks(pair[0])))
    return f"{parts.hostname}{shown_port}{parts.path.rstrip('/')}{'?' if query else ''}{query}"


def is_web_link(link: str) -> bool:
    """Whether a reader can follow it."""
    return link.lower().startswith(("http://", "https://"))


def _tracks(name: str) -> bool:
    return name.lower() in TRACKING or name.lower().startswith("utm_")
