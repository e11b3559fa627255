"""The workers of massive: plain coroutines that know nothing of their supervisor."""
