"""A simulated GitHub on loopback: for the demonstration, the tests, and whoever evaluates without an App."""

from bot.sandbox.faults import Fault
from bot.sandbox.rules import Refused
from bot.sandbox.simulation import SimulatedGitHub

__all__ = ["Fault", "Refused", "SimulatedGitHub"]
