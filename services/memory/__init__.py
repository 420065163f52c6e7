"""What characters remember, and what they think of those they know."""
