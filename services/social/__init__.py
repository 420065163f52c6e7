"""The accounts of characters on social networks, and an outbox that publishes every post once."""
