"""Sentiment: scores the articles of intel, and keeps for each symbol what they say of it."""
