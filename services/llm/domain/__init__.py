"""What models are asked and what they write, what it takes and costs, and what goes wrong."""
