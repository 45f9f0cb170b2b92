"""What GitHub tells: checked, stored and translated before anybody acts on it."""
