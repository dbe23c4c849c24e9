"""Pretend Telegram and pretend Twilio on loopback, with a page of phones.

They speak the providers' wire formats over real HTTP, refuse what the providers
refuse, and play faults on request. Nothing of the application is imported here.
"""

from __future__ import annotations

from .faults import CALL_FAULTS, CALLBACK_FAULTS, Fault, Faults
from .hooks import Hooks
from .log import Log, Record
from .people import Chat, Message, Person
from .server import Sandbox
from .whatsapp import Delays, Template
from .world import World

__all__ = [
    "CALLBACK_FAULTS",
    "CALL_FAULTS",
    "Chat",
    "Delays",
    "Fault",
    "Faults",
    "Hooks",
    "Log",
    "Message",
    "Person",
    "Record",
    "Sandbox",
    "Template",
    "World",
]
