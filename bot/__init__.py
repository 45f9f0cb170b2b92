"""Countersign: change control for regulated organisations, as a GitHub App."""
