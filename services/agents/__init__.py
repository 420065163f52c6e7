"""The agents service: who the characters are, and what they do by themselves."""
