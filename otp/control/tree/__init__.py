"""The control plane in the event loop of the tree: it looks at the tree, acts on it, and makes the rows."""
