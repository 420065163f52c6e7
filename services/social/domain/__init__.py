"""Accounts, posts and what networks do, and the rules that hold for them."""
