"""WhatsApp behind Twilio: windows, templates, deliveries, receipts."""

from __future__ import annotations

import asyncio
import json
import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .callbacks import Caller, Outcome
from .people import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .faults import Faults
    from .limits import TwilioRates
    from .log import Log
    from .people import Person
    from .world import World

WINDOW = 24 * 3600.0  #: seconds
TEMPLATE = 1024  #: characters of a rendered template
VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,16})\s*\}\}")
#: Failures after which the status is ``undelivered``; the others say ``failed``.
UNDELIVERED = frozenset({63003, 63024, 63049, 63032, 63033})


@dataclass(slots=True)
class Template:
    """A message whose words were approved beforehand."""

    sid: str
    body: str  #: with ``{{1}}`` or ``{{name}}``
    name: str
    status: str = "approved"
    language: str = "en"
    category: str = "MARKETING"
    buttons: list[str] = field(default_factory=list)
    rejection: str = ""  #: why WhatsApp refused it

    @property
    def variables(self) -> list[str]:
        """The names of its variables, in order."""
        return list(dict.fromkeys(VARIABLE.findall(self.body)))

    def render(self, values: dict[str, str]) -> str:
        """Return the text with *values* in place."""
        return VARIABLE.sub(lambda found: values.get(found[1], found[0]), self.body)

    def closed_window(self) -> int | None:
        """Return the error for opening a conversation with it, if any."""
        if self.status == "approved":
            return None
        return {"rejected": 63040, "paused": 63041, "disabled": 63042}.get(
            self.status, 63016
        )

    def refusal(self, values: dict[str, str]) -> int | None:
        """Return the error a rendering ends in, if any."""
        if any(name not in values for name in self.variables):
            return 63028
        for value in values.values():
            if not value.strip() or re.search(r"[\n\r\t]| {5}", value):
                return 63013
        return 63021 if len(self.render(values)) > TEMPLATE else None


@dataclass(slots=True)
class Delays:
    """Seconds between the steps of a message."""

    sent: float = 0.02
    delivered: float = 0.03
    read: float = 0.2


@dataclass(slots=True, eq=False)
class Submission:
    """A message Twilio has accepted, and where it stands."""

    sid: str
    sender: str
    to: str
    body: str
    created: float
    person: Person | None
    template: Template | None = None
    values: dict[str, str] = field(default_factory=dict)
    callback: str | None = None
    service: str | None = None
    media: list[str] = field(default_factory=list)
    direction: str = "outbound-api"
    status: str = "queued"
    sent: float | None = None
    updated: float = 0.0
    error: int | None = None
    too_fast: int | None = None
    message: Message | None = None
    held: list[str] = field(default_factory=list)  #: callbacks that must wait


class WhatsApp:
    """Carries messages between one sender and people's phones."""

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        number: str,
        world: World,
        log: Log,
        faults: Faults,
        rates: TwilioRates,
        seed: int = 0,
    ) -> None:
        self.account_sid = account_sid
        self.sender = f"whatsapp:{number}"
        self.inbound_url: str | None = None
        self.delays = Delays()
        self.templates: dict[str, Template] = {}
        self.submissions: dict[str, Submission] = {}
        self.by_to: dict[str, list[Submission]] = {}
        self.windows: dict[str, float] = {}  #: address → end
        self._world = world
        self._log = log
        self._faults = faults
        self._rates = rates
        self._random = random.Random(f"sids {seed}")  # noqa: S311 - repeatable
        self._caller = Caller(auth_token=auth_token, seed=seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.posts: list[tuple[str, dict[str, str]]] = []  #: what the app was told

    @property
    def clock(self) -> Callable[[], float]:
        """The sandbox's clock."""
        return self._world.clock

    async def close(self) -> None:
        """Drop what is on its way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._caller.close()

    def sid(self, prefix: str = "SM") -> str:
        """Return a fresh id."""
        return f"{prefix}{self._random.getrandbits(128):032x}"

    # --- from the application ----------------------------------------------

    def window_open(self, address: str) -> bool:
        """Say whether free text may be sent to *address* now."""
        return self.windows.get(address, 0.0) > self.clock()

    def close_window(self, person: Person) -> None:
        """End the window of *person* at once."""
        self.windows.pop(person.whatsapp, None)

    def accept(self, submission: Submission) -> None:
        """Take a message over; its fate follows."""
        now = self.clock()
        submission.updated = now
        submission.too_fast = self._rates.exceeded(
            submission.sender, submission.to, now
        )
        if submission.too_fast is not None:
            self._log.add("rate", submission.to, sid=submission.sid)
        self.submissions[submission.sid] = submission
        self.by_to.setdefault(submission.to, []).append(submission)

    def carry(self, submission: Submission) -> asyncio.Task[None]:
        """Let the message travel in its own time."""
        return self._spawn(self._travel(submission))

    def is_early(self, submission: Submission) -> bool:
        """Say whether the callbacks must overtake the POST's answer."""
        return submission.callback is not None and self._faults.is_early(submission.to)

    async def _travel(self, submission: Submission) -> None:
        """Queued, sent, delivered, and perhaps read; or failed."""
        await asyncio.sleep(self.delays.sent)
        error = self._fate(submission)
        if error is not None:
            submission.error = error
            self._haunt(submission, error)
            status = "undelivered" if error in UNDELIVERED else "failed"
            await self._step(submission, status)
        else:
            submission.sent = self.clock()
            await self._step(submission, "sent")
            await asyncio.sleep(self.delays.delivered)
            self._arrive(submission)
            await self._step(submission, "delivered")
            person = submission.person
            if person is not None and person.auto_read and person.receipts:
                await asyncio.sleep(self.delays.read)
                await self._step(submission, "read")
        await self._release(submission)

    def _fate(self, submission: Submission) -> int | None:
        """Return the error this message ends in, if any."""
        person = submission.person
        error = submission.too_fast
        if error is None:
            error = 63024 if person is None else person.refusal
        template = submission.template
        if error is None and template is not None:
            error = template.refusal(submission.values)
        if error is None and not self.window_open(submission.to):
            error = 63016 if template is None else template.closed_window()
        return error

    def _arrive(self, submission: Submission) -> None:
        """Show the message on the phone."""
        assert submission.person is not None  # noqa: S101 - _fate saw to it
        chat = self._world.phone(submission.person)
        submission.message = Message(
            submission.sid,
            chat,
            self.clock(),
            self._world.bot_name,
            outgoing=True,
            text=submission.body,
            options=list(submission.template.buttons) if submission.template else [],
            status="sent",
        )
        chat.messages[submission.sid] = submission.message
        self._log.add(
            "visible",
            submission.to,
            message_id=submission.sid,
            sid=submission.sid,
            text=submission.body,
            outgoing=True,
            sender=self._world.bot_name,
        )

    def _haunt(self, submission: Submission, error: int) -> None:
        """Remember a message that never arrives, for the page to show."""
        if submission.person is None:
            return
        chat = self._world.phone(submission.person)
        chat.ghosts[submission.sid] = Message(
            submission.sid,
            chat,
            self.clock(),
            self._world.bot_name,
            outgoing=True,
            text=submission.body,
            status="failed",
            error=error,
        )

    async def _step(self, submission: Submission, status: str) -> None:
        submission.status = status
        submission.updated = self.clock()
        if submission.message is not None:
            submission.message.status = status
        self._log.add(
            "status",
            submission.to,
            sid=submission.sid,
            status=status,
            error=submission.error,
        )
        if submission.callback is not None:
            await self._report(submission, status)

    async def _report(self, submission: Submission, status: str) -> None:
        """Tell the application, as faultily as scripted."""
        faults = self._faults.callback_faults(submission.to, status)
        if "lost" in faults:
            self._note(submission, status, answer=None, lost=True)
            return
        if "late" in faults:
            self._spawn(self._later(submission, status, faults["late"].seconds))
            return
        if "reordered" in faults:
            submission.held.append(status)
            return
        for _ in range(2 if "doubled" in faults else 1):
            await self._call(submission, status)
        await self._release(submission)

    async def _release(self, submission: Submission) -> None:
        held, submission.held = submission.held, []
        for status in held:
            await self._call(submission, status)

    async def _later(self, submission: Submission, status: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._call(submission, status)

    async def _call(self, submission: Submission, status: str) -> None:
        assert submission.callback is not None  # noqa: S101 - seen by the callers
        outcome = await self.post(
            submission.callback, self._callback_parameters(submission, status)
        )
        self._note(
            submission,
            status,
            answer=outcome.status,
            tries=outcome.tries,
            problem=outcome.problem,
        )

    def _note(self, submission: Submission, status: str, **more: Any) -> None:
        self._log.add(
            "callback", submission.to, sid=submission.sid, status=status, **more
        )

    def _callback_parameters(
        self, submission: Submission, status: str
    ) -> dict[str, str]:
        parameters = {
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "ChannelInstallSid": "XE00000000000000000000000000000001",
            "ChannelPrefix": "whatsapp",
            "ChannelToAddress": submission.to,
            "From": submission.sender,
            "MessageSid": submission.sid,
            "MessageStatus": status,
            "SmsSid": submission.sid,
            "SmsStatus": status,
            "StructuredMessage": "false",
            "To": submission.to,
        }
        if status in {"read", "delivered"}:
            parameters["EventType"] = status.upper()
        if submission.service is not None:
            parameters["MessagingServiceSid"] = submission.service
        if submission.error is not None and status in {"failed", "undelivered"}:
            parameters["ErrorCode"] = str(submission.error)
            parameters["ErrorMessage"] = f"Error {submission.error}"
        return parameters

    async def post(self, address: str, parameters: dict[str, str]) -> Outcome:
        """Sign anything and post it, be it for the second time (see `posts`)."""
        self.posts.append((address, parameters))
        return await self._caller.post(address, parameters)

    # --- from people -------------------------------------------------------

    async def read(self, person: Person) -> None:
        """Mark everything delivered to *person* as seen; tell it if allowed."""
        for submission in self.by_to.get(person.whatsapp, []):
            if submission.status == "delivered" and person.receipts:
                await self._step(submission, "read")

    async def inbound(
        self, person: Person, text: str, *, button_of: Message | None = None
    ) -> Message:
        """Take a person's message to the application, and open the window."""
        now = self.clock()
        address = person.whatsapp
        self.windows[address] = now + WINDOW
        chat = self._world.phone(person)
        sid = self.sid()
        message = Message(sid, chat, now, person.name, outgoing=False, text=text)
        chat.messages[sid] = message
        self.submissions[sid] = Submission(
            sid,
            address,
            self.sender,
            text,
            now,
            person,
            direction="inbound",
            status="received",
            sent=now,
            updated=now,
        )
        self.by_to.setdefault(self.sender, []).append(self.submissions[sid])
        self._log.add(
            "visible",
            address,
            message_id=sid,
            sid=sid,
            text=text,
            outgoing=False,
            sender=person.name,
        )
        if self.inbound_url is not None:
            parameters = self._inbound_parameters(person, sid, text, button_of)
            outcome = await self.post(self.inbound_url, parameters)
            self._log.add(
                "webhook",
                address,
                provider="twilio",
                sid=sid,
                answer=outcome.status,
                tries=outcome.tries,
                problem=outcome.problem,
                body=outcome.body,
            )
        return message

    def _inbound_parameters(
        self, person: Person, sid: str, text: str, button_of: Message | None
    ) -> dict[str, str]:
        parameters = {
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "Body": text,
            "ChannelMetadata": json.dumps(
                {
                    "type": "whatsapp",
                    "data": {
                        "context": {
                            "ProfileName": person.name,
                            "WaId": (person.phone or "").removeprefix("+"),
                        }
                    },
                }
            ),
            "From": person.whatsapp,
            "MessageSid": sid,
            "MessageType": "text" if button_of is None else "button",
            "NumMedia": "0",
            "NumSegments": "1",
            "ProfileName": person.name,
            "ReferralNumMedia": "0",
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": self.sender,
            "WaId": (person.phone or "").removeprefix("+"),
        }
        if button_of is not None:
            parameters |= {
                "ButtonPayload": text,
                "ButtonText": text,
                "OriginalRepliedMessageSender": self.sender,
                "OriginalRepliedMessageSid": str(button_of.id),
            }
        return parameters

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
