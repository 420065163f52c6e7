"""The Solana sandbox as its clients meet it."""
