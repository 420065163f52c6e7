"""The vector index in Chroma: embedded in a process of its own, or on a server."""
