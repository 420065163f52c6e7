"""What maintainers run, and what is deployed."""
