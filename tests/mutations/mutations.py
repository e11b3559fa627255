"""All mutations, by what they are about."""

from tests.mutations import decisions, delays, hangs, lives, maintenance, plans, recoveries, requests, turns, verdicts

MUTATIONS = [
    *lives.MUTATIONS,
    *decisions.MUTATIONS,
    *turns.MUTATIONS,
    *plans.MUTATIONS,
    *requests.MUTATIONS,
    *recoveries.MUTATIONS,
    *delays.MUTATIONS,
    *verdicts.MUTATIONS,
    *maintenance.MUTATIONS,
    *hangs.MUTATIONS,
]
