"""For how long it holds: many restarts with everything on, and chaos on the four services. See `python -m tests.endurance`."""
