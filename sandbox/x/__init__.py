"""An X API v2 server over SQLite, for the real tweepy client: same paths, same JSON, same refusals."""
