"""The client of a control socket, in another process: blocking, without an event loop."""
