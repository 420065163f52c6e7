"""Characters in one file: backed up, restored elsewhere, deleted."""
