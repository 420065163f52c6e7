"""The edge of a service: its server and what stands before every handler, and its calls to others."""
