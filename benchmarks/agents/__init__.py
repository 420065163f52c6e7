"""The agents service with many characters: what they cost at rest, how late they are, and how much they do."""
