"""What the trading service uses from outside."""
