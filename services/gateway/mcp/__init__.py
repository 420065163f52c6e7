"""The Model Context Protocol: what assistants may look at and do, with the rights of whoever runs them."""
