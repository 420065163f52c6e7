"""Memories, relationships and vectors, and the rules that hold for them."""
