"""Holds the simulated GitHub to what GitHub is: its published schemas, and the rules that no schema states."""
