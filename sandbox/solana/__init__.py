"""A local Solana cluster and the markets on it: JSON-RPC, Jupiter and Birdeye over LiteSVM."""
