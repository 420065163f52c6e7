"""Wallets, and trades that happen once and within policy."""
