"""Massive: the provider's WebSocket feed in, the Redis buses out."""
