"""What HTTP asks for beside the resources: envelope, statuses, sessions, headers, limits and files."""
