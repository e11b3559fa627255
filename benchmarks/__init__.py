"""What it costs, as ratios taken in one run: `python -m benchmarks [NAME …] [--quick]`."""
