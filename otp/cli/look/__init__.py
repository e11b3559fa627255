"""Commands that look into a running tree, and change nothing."""
