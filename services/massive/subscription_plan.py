"""Planning subscriptions: from what somebody wishes to what the provider will carry on one connection."""

from collections.abc import Iterable

from msgspec import Struct

from services.massive.config import Market

QUOTE_CONTRACTS = 1_000
"""Option contracts whose quotes the provider carries on one connection."""

TOPICS: dict[Market, frozenset[str]] = {
    "stocks": frozenset({"T", "Q", "A", "AM", "LULD", "NOI", "FMV"}),
    "options": frozenset({"T", "Q", "A", "AM", "FMV"}),
    "indices": frozenset({"A", "AM", "V"}),
    "forex": frozenset({"C", "CA", "CAS"}),
    "crypto": frozenset({"XT", "XQ", "XL2", "XA", "XAS"}),
}
"""The topics of each cluster; the provider drops others without an answer, so they are refused here."""


class SubscriptionPlan(Struct, frozen=True):
    """What to subscribe to, and what was refused and why."""

    wanted: frozenset[str]
    refused: tuple[str, ...]


def plan_subscriptions(wishes: Iterable[str], market: Market) -> SubscriptionPlan:
    """Choose the wishes that this cluster can carry, each written as `TOPIC.SYMBOL` (`T.GOOG`, `AM.*`).

    The order of the wishes does not matter: where there are too many option quotes, the same ones always stay.
    """
    wanted: list[str] = []
    refused: list[str] = []
    quotes = 0
    for wish in sorted(set(wishes)):
        reason = _reason_against(wish, market)
        if reason is None and market == "options" and wish.startswith("Q."):
            quotes += 1
            if quotes > QUOTE_CONTRACTS:
                reason = f"only {QUOTE_CONTRACTS} contracts can have quotes on one connection"
        if reason is None:
            wanted.append(wish)
        else:
            refused.append(f"{wish!r}: {reason}")
    return SubscriptionPlan(frozenset(wanted), tuple(refused))


def _reason_against(wish: str, market: Market) -> str | None:
    topic, dot, symbol = wish.partition(".")
    if not dot or not symbol or "," in wish or any(c.isspace() for c in wish):
        return "expected TOPIC.SYMBOL, such as T.GOOG or AM.*"
    if topic not in TOPICS[market]:
        return f"{market} carries {', '.join(sorted(TOPICS[market]))}"
    return None
