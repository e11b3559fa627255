"""Floor 1: decisions. No I/O, no clock, no randomness, no await."""
