"""The gRPC classes of the memory service: check, convert, call, convert back."""
