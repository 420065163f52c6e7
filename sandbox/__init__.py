"""Local servers that speak the third parties' own protocols, so that the suite runs without a key or an account."""
