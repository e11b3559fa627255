"""The market-data services that run under the supervision trees of `trees/`."""
