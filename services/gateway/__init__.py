"""The HTTP front door: REST, server-sent events and the page, as a client of the five services; it owns no data."""
