"""All mutations, by what they are about."""

from tests.mutations import decisions, lives, plans, requests, turns

MUTATIONS = [
    *lives.MUTATIONS,
    *decisions.MUTATIONS,
    *turns.MUTATIONS,
    *plans.MUTATIONS,
    *requests.MUTATIONS,
]
