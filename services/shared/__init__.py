"""What every service shares: identity and configuration, logging, the heartbeat, the Redis buses."""
