"""What a persona's `knowledge_base` names: files beside it, read here, cut into passages, and stored as memories."""
