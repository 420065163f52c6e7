"""Text from language models, whichever provider runs them."""
