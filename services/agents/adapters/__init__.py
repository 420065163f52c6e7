"""What the agents service uses from outside."""
