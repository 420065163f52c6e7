"""The rules of a character."""
