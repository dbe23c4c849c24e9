"""Everything that can go wrong, named for what the caller should do next.

HarkaraError
├── ConfigError            fix the settings and start again
├── Refusal                tell whoever asked; nothing is broken
│   ├── LinkUnknown · LinkExpired · LinkSpent · LinkRevoked · WrongPlace
│   ├── NotAllowed         the person may not do this
│   ├── Unknown            no such audience, article, broadcast, …
│   ├── NothingToSend      no article, or nobody to send to
│   ├── TooLate            the broadcast is past that
│   └── SentBefore         the same went there before; say it twice to repeat it
├── StorageError           the database could not answer
│   └── StorageFailing     the disk or a lock is at fault; ask again when it is mended
├── Fenced                 another owner has taken over; stop at once
└── SendError              one message did not get through
    ├── TryLater           not sent; repeat once `after` has passed
    ├── Undeliverable      not sent; `kind` says what becomes of the recipient
    ├── Suspended          not sent; wait until the chat's rights are back
    ├── Moved              not sent; the recipient is now at `address`
    ├── WindowClosed       not sent; only a template may be sent now
    ├── Malformed          not sent; no retry can help this message
    ├── SenderDown         not sent; nothing from this sender will be
    └── Doubtful           perhaps sent; only a receipt or a person can tell
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.recipients import Address


class HarkaraError(Exception):
    """Anything Harkara itself raises."""


class ConfigError(HarkaraError):
    """Settings that cannot work; the message names each with its mend."""


class StorageError(HarkaraError):
    """The database could not answer; the message says what to do."""


class StorageFailing(StorageError):
    """The disk or somebody's lock is at fault, not what was asked: it may be again."""


class Fenced(HarkaraError):
    """Another owner has taken this sender over; stop at once and write nothing."""


class Refusal(HarkaraError):
    """Not done, and nothing is broken: tell whoever asked."""


class LinkUnknown(Refusal):
    """No join link has this token or code."""


class LinkExpired(Refusal):
    """The join link's time is over."""


class LinkSpent(Refusal):
    """The join link has been used as often as it may be."""


class LinkRevoked(Refusal):
    """An editor has withdrawn the join link."""


class WrongPlace(Refusal):
    """The join link is for another kind of recipient."""


class NotAllowed(Refusal):
    """The person may not do this."""


class Unknown(Refusal):
    """There is no such thing; the message names it and says how to list them."""


class NothingToSend(Refusal):
    """No article to send, or nobody to send it to."""


class TooLate(Refusal):
    """The broadcast is past the point where this could be done."""


class SentBefore(Refusal):
    """The same story went to this audience before; it must be said twice.

    ``broadcasts`` are those that brought it, the newest first.
    """

    def __init__(self, broadcasts: Sequence[int] = ()) -> None:
        shown = ", ".join(str(each) for each in broadcasts[:3])
        super().__init__(f"this story went to this audience before: broadcast {shown}")
        self.broadcasts = tuple(broadcasts)


class FailureKind(StrEnum):
    """Why a delivery failed, as the ledger and the reports name it."""

    BLOCKED = "blocked"  #: the reader blocked us
    DEACTIVATED = "deactivated"  #: the account is gone
    REMOVED = "removed"  #: we were put out of the group or channel
    DELETED = "deleted"  #: the group itself is gone
    OPTED_OUT = "opted_out"  #: the reader withdrew consent at the provider
    NOT_FOUND = "not_found"  #: the provider does not know the address
    NEVER_STARTED = "never_started"  #: the reader never opened the chat
    UNREACHABLE = "unreachable"  #: not on WhatsApp, or an old client
    CAPPED = "capped"  #: the provider's own limit for this reader
    REFUSED = "refused"  #: refused, in words we do not know
    WINDOW_CLOSED = "window_closed"  #: and no template to send instead
    MALFORMED = "malformed"  #: the message itself is bad
    SENDER_DOWN = "sender_down"  #: a receipt said that the account is at fault
    GAVE_UP = "gave_up"  #: as many tries as the policy allows
    BEYOND_REACH = "beyond_reach"  #: the copy can no longer be changed


class SendError(HarkaraError):
    """One message did not get through.

    ``code`` is the provider's own code or error text without anything personal.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TryLater(SendError):
    """Not sent. Safe to repeat once ``after`` has passed.

    ``throttled`` says that the provider asked for the wait: the recipient's clock
    moves, and with several together the sender's.
    """

    def __init__(
        self,
        code: str,
        *,
        after: timedelta = timedelta(0),
        throttled: bool = False,
        sender_wide: bool = False,
    ) -> None:
        super().__init__(code)
        self.after = after
        self.throttled = throttled
        self.sender_wide = sender_wide


class Undeliverable(SendError):
    """Not sent, and a repeat would not be either."""

    def __init__(self, code: str, *, kind: FailureKind) -> None:
        super().__init__(code)
        self.kind = kind


class Suspended(SendError):
    """Not sent. Wait until the chat's rights are back; do not unenrol."""


class Moved(SendError):
    """Not sent. The recipient is now at ``address``; repeat there at once."""

    def __init__(self, code: str, *, address: Address) -> None:
        super().__init__(code)
        self.address = address


class WindowClosed(SendError):
    """Not sent. The reader's 24-hour window is closed; a template may be sent."""


class Malformed(SendError):
    """Not sent. No retry can help this message, whoever it is for."""


class SenderDown(SendError):
    """Not sent, and nothing from this sender will be until somebody acts."""


class Doubtful(SendError):
    """Perhaps sent. Only a receipt, a look-up or a person can tell."""
