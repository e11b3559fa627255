"""What the worker has done and the orchestrator has said, counted across their incarnations."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counted since the start of the process.

    Attributes:
        scored: articles.
        rejected: entries that are no articles.
        lost: entries that the stream's limit cut off before they were scored.
        behind: whether a grown backlog has been told, and its end not yet.
        told_lost: how many of the lost have been told.
        turns: of the scorer's loop, at least one in two seconds, whether there are articles or not.
    """

    scored: int = 0
    rejected: int = 0
    lost: int = 0
    behind: bool = False
    told_lost: int = 0
    turns: int = field(default=0, compare=False)
