"""The suite as processes of this machine."""
