"""Subjects to look at again, and the workers that look at them."""

from bot.queue.model import Handler, Look, Next, Subject, Urgency, Wish
from bot.queue.subjects import still_mine, want

__all__ = ["Handler", "Look", "Next", "Subject", "Urgency", "Wish", "still_mine", "want"]
