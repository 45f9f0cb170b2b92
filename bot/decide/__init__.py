"""The decision: a pure function of facts, policy and time."""
