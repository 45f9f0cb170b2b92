"""Figures of speed and cost, measured on the machine at hand: ``python -m bench [NAME ...]``."""
