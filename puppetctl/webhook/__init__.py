"""The commands about messages to a person."""
