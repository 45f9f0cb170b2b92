"""What the command line does beyond starting parts: each group of commands is a module."""
