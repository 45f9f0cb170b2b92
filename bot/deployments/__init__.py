"""Deployments: when they may happen, what they ship, and how they are confirmed."""
