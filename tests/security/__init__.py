"""What thieves and neighbours try."""
