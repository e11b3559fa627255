"""The proof: nodes of the real tree die 1 000 times at random awaits, and no order is lost, none doubled."""

import pytest

from tests.services.execution.random_kills import NODES, rampage

KILLS = 1_000


@pytest.mark.timeout(120)
async def test_a_thousand_kills_at_any_point_of_an_orders_life_neither_lose_nor_double_one(market):
    killer, flow = await rampage(market.url, kills=KILLS, seed=20)
    assert killer.kills.total() >= KILLS
    assert all(killer.kills[node] >= 50 for node in NODES)
    assert killer.restarts > 50
    assert len(flow.passing) > 250
    assert len(flow.weak) > 10
