"""What a text says, by the words in it: the lexicon and the rules of VADER, which come with their package."""

import warnings
from importlib import import_module
from typing import Any, Final

_PACKAGE: Final = "vaderSentiment.vaderSentiment"


class Lexicon:
    """The lexicon, read once from the package's own files; nothing is downloaded, then or later.

    Raises:
        RuntimeError: the package is not installed.
    """

    def __init__(self) -> None:
        try:
            package = import_module(_PACKAGE)
        except ModuleNotFoundError as error:
            raise RuntimeError(
                f"scoring needs a lexicon, and {error.name} is not installed; pip install -e services"
            ) from None
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # it reads its files by codecs.open, of which 3.14 warns
            self._analyser: Any = package.SentimentIntensityAnalyzer()

    def score(self, text: str) -> float:
        """How good (up to 1) or bad (down to -1) the text sounds; 0 when it says neither.

        It takes the CPU for a time that grows with the square of the length: give it texts of limited length.
        """
        return float(self._analyser.polarity_scores(text)["compound"])
