"""Floor 2: executes what the machines decide, and tells them what happened."""
