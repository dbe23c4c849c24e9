"""Who goes first when more is due than may leave: replies, then by lane.

The lanes themselves are an order (`Lane`); what is here keeps one end of it from
starving the other. Somebody who asks waits for no broadcast, and so replies go first.
A flood of questions must not hold the news up for good either: while both have
something due, a share of the places is the broadcasts'.
"""

from __future__ import annotations

#: What broadcasts keep of the places, however many replies are due.
SHARE = 0.25


def kept(limit: int, owed: float) -> tuple[int, float]:
    """Say how many of *limit* places replies leave to broadcasts.

    Args:
        limit: Places of the next claim, at least one.
        owed: What `carried` returned after the one before; 0 at first.

    Returns:
        The places, and the credit they were reckoned from: where a claim has one or
        two places, the share is kept over several claims.
    """
    credit = min(owed + limit * SHARE, float(limit))
    return int(credit), credit


def carried(limit: int, credit: float, *, replies: int, deliveries: int) -> float:
    """Return what broadcasts are owed after a claim.

    Args:
        limit: Places that the claim had.
        credit: What `kept` returned for it.
        replies: Places that replies took.
        deliveries: Places that broadcasts took.
    """
    if replies + deliveries < limit or deliveries > credit:
        return 0.0  # nobody was kept waiting, or not the broadcasts
    if deliveries < int(credit):
        return 0.0  # they had nothing more
    return credit - deliveries
