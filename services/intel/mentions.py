"""Which symbols a text speaks of."""

import re
from collections.abc import Mapping
from typing import Final

CASHTAG: Final = r"(?<![\w$])\$(?P<tag>[A-Z]{1,6}(?:\.[A-Z]{1,2})?)(?!\w)"
"""`$AAPL`, `$BRK.B`; neither `$5` nor `US$A` nor `$Apple`."""


class Mentions:
    """Finds cashtags, and names that stand for symbols.

    Args:
        names: name to symbol. A name counts as it is written, capitals and all, where it stands as whole words.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        longest_first = sorted(names, key=len, reverse=True)
        spelled = "|".join(re.escape(name) for name in longest_first)
        named = rf"|(?<!\w)(?P<name>{spelled})(?!\w)" if spelled else "|(?P<name>(?!))"
        self._pattern = re.compile(CASHTAG + named)

    def of(self, text: str) -> tuple[str, ...]:
        """The symbols, each once, in the order in which the text comes to them."""
        found = (match["tag"] or self._names[match["name"]] for match in self._pattern.finditer(text))
        return tuple(dict.fromkeys(found))
