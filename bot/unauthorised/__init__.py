"""What went around the gate: found afterwards, put on record, and open until somebody answers for it."""
