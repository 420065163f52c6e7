"""What HTTP costs over the calls that it stands for, and what event streams cost each other."""
