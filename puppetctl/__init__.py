"""The command line: starts the suite on one machine, and talks to it wherever it runs."""
