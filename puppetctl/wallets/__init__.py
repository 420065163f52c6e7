"""The commands about wallets and trades."""
