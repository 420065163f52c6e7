"""What the social service uses from outside."""
