"""One unit of work, and what can be done in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.articles import Articles
from storage.audiences import Audiences
from storage.broadcasts import Broadcasts
from storage.canaries import Canaries
from storage.correcting import Corrections
from storage.deliveries import Deliveries
from storage.editors import Editors
from storage.erasure import Erasure
from storage.inbox import Inbox
from storage.joinlinks import JoinLinks
from storage.recipients import Recipients
from storage.replies import Replies
from storage.roundups import RoundUps
from storage.senders import Senders
from storage.unreached import Unreached

if TYPE_CHECKING:
    from storage.connection import Connection


class Work:
    """The Transaction port: all of it is kept, or nothing."""

    def __init__(self, connection: Connection) -> None:
        self.senders = Senders(connection)
        self.recipients = Recipients(connection)
        self.audiences = Audiences(connection)
        self.links = JoinLinks(connection)
        self.editors = Editors(connection)
        self.articles = Articles(connection)
        self.broadcasts = Broadcasts(connection)
        self.deliveries = Deliveries(connection)
        self.corrections = Corrections(connection)
        self.canaries = Canaries(connection)
        self.unreached = Unreached(connection)
        self.round_ups = RoundUps(connection)
        self.replies = Replies(connection)
        self.inbox = Inbox(connection)
        self.erasure = Erasure(connection)
