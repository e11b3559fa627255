"""Floor 4: tells people what happens in a tree."""
