"""The use cases of the social service."""
