"""The rules of a character, without server, database or model: results follow from what is given, nothing else."""
