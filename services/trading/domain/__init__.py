"""What the trading service is about, and the rules that hold for it."""
