"""Protobuf to the domain and back, and the checks of requests."""
