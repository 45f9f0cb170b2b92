"""A simulated Jira Service Management on loopback: one service desk that keeps changes."""

from bot.sandbox.jira.desk import User
from bot.sandbox.jira.simulation import SimulatedJira

__all__ = ["SimulatedJira", "User"]
