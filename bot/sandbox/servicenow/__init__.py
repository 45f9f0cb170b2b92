"""A simulated ServiceNow on loopback: Change Management as far as Countersign and a change manager meet in it."""

from bot.sandbox.servicenow.records import Change, Person
from bot.sandbox.servicenow.rules import BusinessRule
from bot.sandbox.servicenow.simulation import SimulatedServiceNow

__all__ = ["BusinessRule", "Change", "Person", "SimulatedServiceNow"]
