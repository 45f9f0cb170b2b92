"""What is true of a change, gathered once and frozen."""
