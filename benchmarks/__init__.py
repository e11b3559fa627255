"""What it costs, as ratios taken in one run: `python -m benchmarks [NAME …] [--quick]`.

    systems/     what is measured: each system does the same work, in a process and an environment of its own
    rig/         how a figure is taken: environments, turns, stages, counts
    measures/    which figures there are: a module a benchmark
    report/      what is done with them: kept per machine, tables, pictures, limits, the guard

Each room imports only those above it in this list.
"""
