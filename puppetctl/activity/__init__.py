"""The commands about what characters do, and why."""
