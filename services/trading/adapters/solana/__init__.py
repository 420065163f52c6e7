"""A Solana node, and what may be signed for its chain."""
