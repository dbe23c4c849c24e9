"""WhatsApp through one number of Twilio's."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

from bot.domain.deliveries import DeliveryId, Progress, Reference
from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    TryLater,
    Undeliverable,
)
from bot.domain.messages import Template
from bot.domain.receipts import progress_of_status
from bot.domain.recipients import Channel
from bot.ports import LookUp
from bot.transports.http import Lost, NeverLeft
from bot.transports.twilio_client import Refused, Submitter, open_client
from bot.transports.twilio_codes import explain, meaning_of_twilio
from bot.transports.whatsapp_inbox import received_since

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from twilio.rest import Client  # type: ignore[import-untyped] # it ships none
    from twilio.rest.api.v2010.account.message import (  # type: ignore[import-untyped]
        MessageInstance,
    )

    from bot.domain.errors import SendError
    from bot.domain.inbound import Inbound
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import Address
    from bot.ports import Clock

__all__ = [
    "WhatsAppMessenger",
    "explain",
    "meaning_of_twilio",
    "open_client",
    "with_reference",
]

SCHEME = "whatsapp:"
#: Why nothing that was sent can be changed.
STAYS = "WhatsApp takes nothing back"
#: Twilio's clock and ours may differ by this much.
SKEW = timedelta(seconds=5)
#: Time that Twilio may need to list a message after the call has ended.
LISTED = timedelta(seconds=30)
#: A message that is not listed this long after the call was begun was never sent.
SETTLED = timedelta(seconds=60)
#: By how much our clock may have been wrong when a call was begun: a like message
#: this near may be the one that is looked for.
ASTRAY = timedelta(days=1)
#: Messages to one reader that a look-up reads, the newest first.
PAGE = 100
#: Messages that are kept encoded: some parts and templates, in some languages.
KEPT = 64
_VALIDITY = (1, 36_000)  # seconds: the least and the most that Twilio takes


class WhatsAppMessenger:
    """Sends to WhatsApp readers from one number.

    Args:
        client: From `open_client`.
        from_: The number, with or without ``whatsapp:``.
        status_callback: The public address for reports; none are asked for if empty.
        clock: Tells whether it is time to call a message lost.
        validity: How long Twilio may keep a message in its queue; its own rule if
            None.
        answer_within: The total time-out of the client's session.
    """

    channel = Channel.WHATSAPP
    can_look_up = True

    def __init__(
        self,
        client: Client,
        *,
        from_: str,
        status_callback: str,
        clock: Clock,
        validity: timedelta | None = None,
        answer_within: timedelta = timedelta(seconds=30),
    ) -> None:
        self._client = client
        self._submitter = Submitter(client)
        self._from = SCHEME + from_.removeprefix(SCHEME)
        self._callback = _callback(status_callback) if status_callback else None
        self._clock = clock
        self._answer_within = answer_within
        self._validity: int | None = None
        if validity is not None:
            least, most = _VALIDITY
            self._validity = min(max(int(validity.total_seconds()), least), most)
        # What a broadcast's messages have in common is encoded once.
        self._encoded = lru_cache(maxsize=KEPT)(self._encode)

    async def send(
        self,
        to: Address,
        message: OutboundMessage,
        reference: Reference | None,
        *,
        reply_to: str = "",
        paid: bool = False,
    ) -> str:
        """Send *message* and return its SID.

        Twilio knows neither answers nor a rate that is paid for.

        Raises:
            SendError: Named for what to do next.
        """
        del reply_to, paid
        form = self._encoded(message) + quote_plus(to.value).encode()
        if self._callback is not None and reference is not None:
            form = b"%b&StatusCallback=%b%b%b" % (
                form,
                self._callback[0],
                str(reference).encode(),
                self._callback[1],
            )
        try:
            sent = await self._submitter.submit(form)
        except Refused as error:
            raise meaning_of_twilio(
                error.status, error.code, retry_after=error.retry_after
            ) from None
        except NeverLeft as error:
            raise TryLater(str(error)) from None
        except Lost as error:
            raise Doubtful(str(error)) from None
        except Exception as error:  # noqa: BLE001 - an answer of no known shape
            raise Doubtful(f"odd answer: {type(error).__name__}") from None
        return _sid(sent)

    def _encode(self, message: OutboundMessage) -> bytes:
        """Encode all of a message but the report's address, up to whom it is for."""
        form = {"From": self._from, **_content(message)}
        if self._validity is not None:
            form["ValidityPeriod"] = str(self._validity)
        try:
            return f"{urlencode(form)}&To={quote_plus(SCHEME)}".encode()
        except UnicodeEncodeError:
            raise Malformed("no text that could be encoded") from None

    async def edit(
        self, to: Address, provider_id: str, message: OutboundMessage
    ) -> None:
        """Raise `Undeliverable`: what was sent on WhatsApp stays as it is."""
        del to, provider_id, message
        raise Undeliverable(STAYS, kind=FailureKind.BEYOND_REACH)

    async def delete(self, to: Address, provider_id: str) -> None:
        """Raise `Undeliverable`: what was sent on WhatsApp stays."""
        del to, provider_id
        raise Undeliverable(STAYS, kind=FailureKind.BEYOND_REACH)

    async def pin(self, to: Address, provider_id: str, *, pinned: bool) -> None:
        """Raise `Undeliverable`: nothing is pinned on WhatsApp."""
        del to, provider_id, pinned
        raise Undeliverable("WhatsApp pins nothing", kind=FailureKind.BEYOND_REACH)

    async def look_up(
        self,
        to: Address,
        message: OutboundMessage,
        started_at: datetime,
        *,
        others: Collection[str] = (),
    ) -> LookUp | None:
        """Look for *message* among the latest that went to *to*.

        The list does not name templates, so any message of the right moment passes
        for one; where two do, or a report could still be on its way, nothing is
        certain. Nor is it where a like message lies outside that moment: our clock
        may have been set right since the call.

        Returns:
            None where nothing is certain.
        """
        asked_at = self._clock.now()
        try:
            listed = await self._client.messages.list_async(
                to=SCHEME + to.value, from_=self._from, limit=PAGE, page_size=PAGE
            )
            ours = [each for each in listed if each.sid not in others]
            found = self._judge(ours, to, message, started_at, asked_at)
            cut_off = _cut_off(listed, started_at)
        except Exception:  # noqa: BLE001 - a call that failed, or an odd answer
            return None
        is_absent = found is not None and not found.found
        return None if is_absent and cut_off else found

    async def received_since(self, since: datetime) -> list[Inbound]:
        """Return what readers have written to us since *since*, the oldest first.

        Raises:
            TryLater: Twilio could not be asked.
        """
        return await received_since(self._client, self._from, since)

    def explain(self, code: str) -> SendError:
        """Say what a code in a later report asks of us."""
        return explain(code)

    def _judge(
        self,
        listed: list[MessageInstance],
        to: Address,
        message: OutboundMessage,
        started_at: datetime,
        asked_at: datetime,
    ) -> LookUp | None:
        first = started_at - SKEW
        last = started_at + self._answer_within + LISTED
        candidates = []
        astray = False
        for each in listed:
            if each.to != SCHEME + to.value or each.from_ != self._from:
                continue
            if each.direction != "outbound-api":
                continue
            if each.date_created is None:
                return None
            if not _alike(each, message):
                continue
            if first <= each.date_created <= last:
                candidates.append(each)
            elif abs(each.date_created - started_at) <= ASTRAY:
                astray = True
        if len(candidates) == 1:
            return _found(candidates[0])
        settled = max(SETTLED, self._answer_within + LISTED)
        if candidates or astray or not settled < asked_at - started_at <= ASTRAY:
            return None
        return LookUp(found=False)


def with_reference(url: str, reference: Reference) -> str:
    """Add *reference* to a callback's address.

    What the query holds stays; so does the fragment, in which Twilio reads how to
    repeat a callback, and it stays last.
    """
    parts = urlsplit(url)
    query = f"{parts.query}&ref={reference}" if parts.query else f"ref={reference}"
    return urlunsplit(parts._replace(query=query))


def _content(message: OutboundMessage) -> dict[str, str]:
    if isinstance(message, Template):
        content = {"ContentSid": message.content_sid}
        if message.variables:
            content["ContentVariables"] = json.dumps(
                dict(message.variables), ensure_ascii=False
            )
        return content
    if message.markup or message.buttons or message.picker:
        raise Malformed("only plain text on WhatsApp")
    return {"Body": message.text}


def _callback(url: str) -> tuple[bytes, bytes]:
    """Encode a report's address, up to the reference in it and from there on."""
    mark = Reference(DeliveryId(0), 0)
    before, _, after = with_reference(url, mark).rpartition(f"ref={mark}")
    return quote_plus(f"{before}ref=").encode(), quote_plus(after).encode()


def _sid(sent: dict[str, Any]) -> str:
    status, error, sid = (sent.get(name) for name in ("status", "error_code", "sid"))
    if progress_of_status(str(status)) is Progress.FAILED:
        # Refused in the very answer: no report of it will follow.
        raise explain(str(error) if error else str(status))
    if not (isinstance(sid, str) and sid):
        raise Doubtful("no SID in the answer")
    return sid


def _cut_off(listed: list[MessageInstance], started_at: datetime) -> bool:
    """Whether the list may end before the message that is looked for."""
    dates = [each.date_created for each in listed if each.date_created is not None]
    reaches_back = bool(dates) and min(dates) < started_at - ASTRAY
    return len(listed) >= PAGE and not reaches_back


def _alike(listed: MessageInstance, message: OutboundMessage) -> bool:
    if isinstance(message, Template):
        return True
    return (listed.body or "").strip() == message.text.strip()


def _found(message: MessageInstance) -> LookUp:
    progress = progress_of_status(str(message.status)) or Progress.ACCEPTED
    failed = progress is Progress.FAILED and message.error_code
    return LookUp(
        found=True,
        provider_id=message.sid or "",
        progress=progress,
        code=str(message.error_code) if failed else "",
    )
