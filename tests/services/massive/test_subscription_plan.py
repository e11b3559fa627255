"""Which wishes the provider can carry."""

from services.massive.subscription_plan import QUOTE_CONTRACTS, plan_subscriptions


def test_wishes_that_the_cluster_carries_are_wanted():
    plan = plan_subscriptions(["T.GOOG", "AM.*", "T.GOOG"], "stocks")
    assert plan.wanted == {"T.GOOG", "AM.*"}
    assert plan.refused == ()


def test_a_topic_of_another_cluster_is_refused_with_those_that_there_are():
    plan = plan_subscriptions(["T.GOOG", "XT.BTC-USD"], "stocks")
    assert plan.wanted == {"T.GOOG"}
    assert plan.refused == ("'XT.BTC-USD': stocks carries A, AM, FMV, LULD, NOI, Q, T",)


def test_what_is_no_subscription_is_refused_with_an_example():
    plan = plan_subscriptions(["GOOG", "T.", "T.GOOG,Q.GOOG", "T.GO OG"], "stocks")
    assert plan.wanted == frozenset()
    assert len(plan.refused) == 4
    assert all("such as T.GOOG" in refused for refused in plan.refused)


def test_option_quotes_stay_below_what_one_connection_carries_and_always_the_same_ones_stay():
    wishes = [f"Q.O:AAPL{n:06}" for n in range(QUOTE_CONTRACTS + 2)]
    plan = plan_subscriptions(reversed([*wishes, "T.O:AAPL000000"]), "options")
    assert plan.wanted == {*wishes[:QUOTE_CONTRACTS], "T.O:AAPL000000"}
    assert [refused.partition(":")[0] for refused in plan.refused] == ["'Q.O", "'Q.O"]
