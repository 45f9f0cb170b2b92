"""Change records: what they hold, the way they take, and the systems that keep them."""
