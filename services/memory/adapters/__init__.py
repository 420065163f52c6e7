"""What the memory service uses from outside."""
