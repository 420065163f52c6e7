"""Attacks: each must come to nothing."""
