"""The commands about characters."""
