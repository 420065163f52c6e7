"""What the suite costs, measured beside a baseline of the same run."""
