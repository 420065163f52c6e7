"""The only code that the services share; it knows none of them by name."""
