"""The use cases of the llm service."""
