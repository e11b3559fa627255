"""How a figure is taken: the catalogue of systems, their environments, the turns they take, and the rows that come of it.

Nothing here knows which figures are wanted, so nothing here imports `benchmarks.measures` or `benchmarks.report`.
"""
