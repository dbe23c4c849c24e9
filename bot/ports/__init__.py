"""What the core needs of the world, as the core would like to ask for it."""

from __future__ import annotations

from bot.ports.corrections import Corrections
from bot.ports.course import Canaries, RoundUps, Unreached
from bot.ports.erasure import Erasure
from bot.ports.ledger import Claims, Hand, Lease, Order, Page, ReplyLease, Written
from bot.ports.people import Audiences, Editors, JoinLinks, Recipients
from bot.ports.senders import Senders
from bot.ports.storage import (
    Articles,
    Broadcasts,
    Database,
    Deliveries,
    Inbox,
    Replies,
    Transaction,
)
from bot.ports.values import (
    Backlog,
    DeliveryLine,
    Editor,
    InDoubt,
    MessageKey,
    NewReply,
    Sender,
    Taken,
    Watched,
    Windows,
)
from bot.ports.world import (
    Chats,
    Clock,
    LookUp,
    Messenger,
    Runner,
)

__all__ = [
    "Articles",
    "Audiences",
    "Backlog",
    "Broadcasts",
    "Canaries",
    "Chats",
    "Claims",
    "Clock",
    "Corrections",
    "Database",
    "Deliveries",
    "DeliveryLine",
    "Editor",
    "Editors",
    "Erasure",
    "Hand",
    "InDoubt",
    "Inbox",
    "JoinLinks",
    "Lease",
    "LookUp",
    "MessageKey",
    "Messenger",
    "NewReply",
    "Order",
    "Page",
    "Recipients",
    "Replies",
    "ReplyLease",
    "RoundUps",
    "Runner",
    "Sender",
    "Senders",
    "Taken",
    "Transaction",
    "Unreached",
    "Watched",
    "Windows",
    "Written",
]
