"""The systems that keep change records: one port, and a client for each of them."""
