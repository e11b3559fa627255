"""What is measured: a module a benchmark, whose `measure(quick=…)` returns its rows. Its docstring stands above its tables.

A measure says which systems take turns, with which sizes, and what a figure is compared with. How a system is run is in
`benchmarks.rig`; how rows are shown is in `benchmarks.report`, which no measure imports.
"""
