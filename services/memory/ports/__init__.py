"""What the memory service needs from outside."""
