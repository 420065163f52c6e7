"""JSON to protobuf and back, and what OpenAPI says of both, from the descriptors of the contracts."""
