"""The use cases of the trading service."""
