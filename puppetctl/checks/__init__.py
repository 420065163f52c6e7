"""What `puppetctl doctor` looks at."""
