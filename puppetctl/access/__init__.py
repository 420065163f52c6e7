"""The commands that say who may call, and about keys."""
