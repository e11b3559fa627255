"""The workers of sentiment: plain coroutines that run until stopped and raise when they cannot go on."""
