"""Data of earlier releases."""
