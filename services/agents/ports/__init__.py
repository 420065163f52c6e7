"""What the agents service needs from outside: a store, durable workflows, and the four other services."""
