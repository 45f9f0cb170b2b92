"""What another policy would have said: of one recorded change, or of all of them, before it is in force."""
