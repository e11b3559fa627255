"""Commands that look into a running tree, and change nothing. They live in the process of the command, without a loop."""
