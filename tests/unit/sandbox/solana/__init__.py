"""The Solana sandbox without a server."""
