"""Between protobuf and domain; every request is checked here, all its violations at once."""
