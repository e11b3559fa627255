"""The workers of intel: plain coroutines that know nothing of their supervisor."""
