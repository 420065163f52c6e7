"""What the llm service uses from outside."""
