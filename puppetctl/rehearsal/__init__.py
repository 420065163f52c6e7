"""`puppetctl rehearse`: days of a character's life against the sandbox, in minutes, and a report of them."""
