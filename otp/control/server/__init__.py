"""The control plane in its thread `otp-control`, with an asyncio event loop of its own: sockets, clients, pending requests."""
