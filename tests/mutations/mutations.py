"""All mutations, by what they are about."""

from tests.mutations import (
    by_request,
    decisions,
    delays,
    facts,
    groups,
    hangs,
    lives,
    maintenance,
    plans,
    recoveries,
    requests,
    turns,
    verdicts,
)

MUTATIONS = [
    *lives.MUTATIONS,
    *decisions.MUTATIONS,
    *turns.MUTATIONS,
    *plans.MUTATIONS,
    *groups.MUTATIONS,
    *requests.MUTATIONS,
    *by_request.MUTATIONS,
    *recoveries.MUTATIONS,
    *delays.MUTATIONS,
    *facts.MUTATIONS,
    *verdicts.MUTATIONS,
    *maintenance.MUTATIONS,
    *hangs.MUTATIONS,
]
