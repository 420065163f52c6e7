"""Characters of other projects, read into persona files: one file for each format, and a report of every value."""
