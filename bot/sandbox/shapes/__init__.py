"""How GitHub writes things as JSON: one function for each kind, with every field that its schema requires."""
