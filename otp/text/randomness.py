"""Telling random text from words: keys and tokens are random, and nobody need have written "key" in front of them.

What speaks for chance, counted for each piece of letters and digits:

    two letters that hardly ever follow each other in a word           xq, jt, vb
    a group of digits among letters                                    a7f
    a piece of a word of one or two letters, by its capitals           aXbQ

A word is random where they are many. A long number is none, nor is a mask, nor what market data is named by.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

SHORTEST = 16
"""Characters: what is shorter is left, so that names, dates, prices, and the ids of incidents are."""

_LEAST = 5
"""Signs of chance that a random word has at the least."""

SHARE = 0.2
"""Signs of chance for each letter and digit: random text has 0.4 and more, names have less than 0.1."""

_SMALL = 2
"""Letters of a piece that is hardly a word."""

_HEX = re.compile(r"(?=[0-9-]*[a-fA-F])(?=[a-fA-F-]*[0-9])[0-9a-fA-F]{8}[0-9a-fA-F-]{8,}")
_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{1,16}")
_SYMBOL = re.compile(r"[A-Z]{1,6}[0-9]{6}[CP][0-9]{8}")
"""The symbol of an option, as the OCC writes it: SPXW251219C06500000."""

_RUN = re.compile(r"[A-Za-z0-9]+")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def _pairs() -> Iterator[tuple[str, str]]:
    """Each rare pair, of small letters, of capitals, and of a capital and a small letter."""
    rare = (
        "aehjoqz bdfghkmnqtvwxz cbfgjnpqvwxz dghjkmpqvwxyz ejkz fbcghjkmnpqvwxz gbcdfjkpqtvwxyz hbcdfgjkmnpqsvwxyz "
        "ihjkquwy jabcdfghiklmnopqrstvwxyz kbcdfghjmnopqrtuvwxyz lbghjkmnqrvwxz mcfghjknqrvwxyz nbhjqrwxz oehjqyz "
        "pbcgjkmnqvwxz qabcdefghijklmnoprstvwxyz rbhjqxz sbgjqrvxz tbgjkqvxz uhjkqvwxyz vbcdfghjklmnpqrstuwxyz "
        "wbcdfgjklmpqtuvxyz xabdfghjklmnoqrsuvwyz yabdfghjkloqruvwxz zbcdfghjklmnopqrstuvwxy"
    )  # each its first letter, and those behind it: less than one in 3 000 pairs of the words in the standard library
    for listed in rare.split():
        first = listed[0]
        for second in listed[1:]:
            yield from ((first, second), (first.upper(), second), (first.upper(), second.upper()))


_RARE = frozenset(_pairs())


def is_random(word: str, *, share: float = SHARE) -> bool:
    """Whether a word of letters and digits, and of `_ + / = ~ -` between them, is more likely chance than language.

    Args:
        word: it.
        share: signs of chance that it has for each letter and digit at the least.
    """
    if len(word) < SHORTEST or word.isdecimal() or _ADDRESS.fullmatch(word) or _SYMBOL.fullmatch(word):
        return False
    if _HEX.fullmatch(word):
        return True
    runs = _RUN.findall(word)
    letters = sum(map(len, runs))
    if letters < SHORTEST:
        return False
    signs = sum(map(_RARE.__contains__, pairwise(word))) + sum(map(_odd_pieces, runs))
    return signs >= max(_LEAST, share * letters)


def _odd_pieces(run: str) -> int:
    """Groups of digits, and of one or two letters, in a run that has several groups."""
    if run.isalpha() and run.islower():
        return 0
    pieces = _PIECE.findall(run)
    return sum(len(piece) <= _SMALL or piece.isdecimal() for piece in pieces) if len(pieces) > 1 else 0
