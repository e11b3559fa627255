"""The workers of execution: coroutines that know nothing of their supervisor."""
