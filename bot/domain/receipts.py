"""What a provider's status words say about how far a message has come."""

from __future__ import annotations

from bot.domain.deliveries import Progress

_OF_STATUS = {
    "scheduled": Progress.ACCEPTED,
    "accepted": Progress.ACCEPTED,
    "queued": Progress.ACCEPTED,
    "sending": Progress.ACCEPTED,
    "sent": Progress.ACCEPTED,
    "undelivered": Progress.FAILED,
    "failed": Progress.FAILED,
    "canceled": Progress.FAILED,
    "delivered": Progress.DELIVERED,
    "read": Progress.READ,
}


def progress_of_status(status: str) -> Progress | None:
    """Say how far a message with this status has come.

    The order is the rank in platform-facts §3.4: everything up to ``sent`` is the
    provider's own business and counts as accepted; the three bad ends come before
    ``delivered`` and ``read``, because a delivery after a failure is real.

    Returns:
        None for a word that says nothing about an outbound message.
    """
    return _OF_STATUS.get(status.strip().lower())
