"""What GitHub should show, compared with what it shows, and the smallest list of effects between the two."""
