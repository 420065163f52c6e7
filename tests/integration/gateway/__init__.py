"""The gateway over the five services as they really are."""
