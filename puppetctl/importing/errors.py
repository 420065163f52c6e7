"""What goes wrong with a file."""


class Unreadable(Exception):
    """A file or folder can't be read as a character; the text says what is wrong with it, and where."""
