"""Execution: turns signals into orders for a broker, each exactly once, and puts fills and positions on the bus."""
