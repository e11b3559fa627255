"""The paper broker: a component of its own, with its own socket and its own books."""
