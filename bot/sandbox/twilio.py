"""The pretend Twilio: messages and templates over their REST interface."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from . import resources
from .markup import utf16
from .whatsapp import Delays, Submission, Template, WhatsApp
from .wire import Dropped, Latency, Listener, answer, suffer_after, suffer_before
from .words import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from .faults import Fault, Faults
    from .limits import TwilioRates
    from .log import Log
    from .world import World

BODY = 1600  #: UTF-16 units
CREATE = words(
    "To From MessagingServiceSid Body MediaUrl ContentSid ContentVariables",
    "StatusCallback ValidityPeriod",
)
LIST = words(
    "To From DateSent DateSent< DateSent> PageSize Page PageToken",
)
_E164 = re.compile(r"whatsapp:\+[1-9][0-9]{6,14}")
_BSUID = re.compile(r"whatsapp:[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_ACCOUNT = re.compile(r"/2010-04-01/Accounts/(\w+)(/.*|\.json)")


class RestError(Exception):
    """An answer with ``code`` and ``message``."""

    def __init__(
        self, status: int, code: int, message: str, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


class TwilioServer:
    """Speaks Twilio's HTTP and refuses what Twilio refuses."""

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
        port: int = 0,
        keep_alive: float = 75.0,
        latency: Latency = 0.0,
        seed: int = 0,
    ) -> None:
        self.account_sid = account_sid
        self.account_status = "active"  #: or suspended, closed
        self.account_type = "Full"  #: or Trial
        self.sender_status = "ONLINE"  #: as the Senders API says it
        self.service_sid = f"MG{account_sid[2:]}"
        self._auth = f"{account_sid}:{auth_token}"
        self._log = log
        self._faults = faults
        self._world = world
        self.network = WhatsApp(
            account_sid=account_sid,
            auth_token=auth_token,
            number=number,
            world=world,
            log=log,
            faults=faults,
            rates=rates,
            seed=seed,
        )
        self.listener = Listener(
            self._serve,
            port=port,
            keep_alive=keep_alive,
            latency=latency,
            seed=f"twilio {seed}",
        )

    def configure(
        self, *, inbound_url: str | None = None, delays: Delays | None = None
    ) -> None:
        """Say where inbound messages go, and how fast messages travel."""
        if inbound_url is not None:
            self.network.inbound_url = inbound_url
        if delays is not None:
            self.network.delays = delays

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        form = dict(request.query)
        media: list[str] = []
        if request.method == "POST":
            posted = await request.post()
            media = [str(value) for value in posted.getall("MediaUrl", [])]
            form |= {name: str(value) for name, value in posted.items()}
        method = _method_name(request)
        to = form.get("To")
        fault = self._faults.next_call("twilio", method, to)
        await self.listener.pause()
        submission: Submission | None = None
        refused: RestError | None = None
        body: dict[str, Any] = {}
        status = 200
        try:
            await suffer_before(fault)
            if fault is None or fault.kind != "error" or fault.stored:
                self._authenticate(request)
                status, body, submission = self._answer(request, method, form, media)
            if fault is not None and fault.kind == "error":
                refused = _scripted(fault)
        except RestError as error:
            refused = error
        except Dropped:
            self._note(method, form, None, "cut before", fault=fault)
            raise
        if submission is not None:
            journey = self.network.carry(submission)
            if self.network.is_early(submission):
                await asyncio.shield(journey)
        self._note(
            method,
            form,
            refused.status if refused else status,
            str(refused) if refused else None,
            code=refused.code if refused else None,
            submission=submission,
            fault=fault,
        )
        await suffer_after(fault)
        return answer(status, body) if refused is None else _refused(refused)

    def _note(
        self,
        method: str,
        form: dict[str, str],
        status: int | None,
        description: str | None,
        *,
        code: int | None = None,
        submission: Submission | None = None,
        fault: Fault | None = None,
    ) -> None:
        self._log.add(
            "call",
            form.get("To"),
            provider="twilio",
            method=method,
            params=form,
            status=status,
            description=description,
            code=code,
            stored=submission is not None,
            sid=submission.sid if submission is not None else None,
            fault=fault.kind if fault is not None else None,
        )

    def _authenticate(self, request: web.BaseRequest) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            right = base64.b64decode(given).decode() == self._auth
        except ValueError:
            right = False
        if scheme != "Basic" or not right:
            raise RestError(401, 20003, "Authenticate")

    def _answer(
        self,
        request: web.BaseRequest,
        method: str,
        form: dict[str, str],
        media: list[str],
    ) -> tuple[int, dict[str, Any], Submission | None]:
        path = request.path
        account = _ACCOUNT.fullmatch(path)
        if account is not None and account[1] == self.account_sid:
            rest = account[2]
            if method == "Messages.create":
                submission = self._create(form, media)
                return 201, resources.message(self.account_sid, submission), submission
            if method == "Messages.list":
                return 200, self._list(request, form), None
            if method == "Messages.fetch":
                sid = rest.removeprefix("/Messages/").removesuffix(".json")
                if sid not in self.network.submissions:
                    raise self._missing(path)
                return (
                    200,
                    resources.message(self.account_sid, self.network.submissions[sid]),
                    None,
                )
            if method == "Accounts.fetch":
                account_found = resources.account(
                    self.account_sid, status=self.account_status, kind=self.account_type
                )
                return 200, account_found, None
        if method == "Senders.list":
            network = self.network
            listed = resources.senders(
                network.sender,
                status=self.sender_status,
                inbound_url=network.inbound_url,
            )
            return 200, listed, None
        if method.startswith("Content"):
            found = resources.content(self.account_sid, path, self.network.templates)
            if found is None:
                raise self._missing(path)
            return 200, found, None
        raise self._missing(path)

    @staticmethod
    def _missing(path: str) -> RestError:
        return RestError(404, 20404, f"The requested resource {path} was not found")

    # --- messages ----------------------------------------------------------

    def _create(self, form: dict[str, str], media: list[str]) -> Submission:
        for name in form:
            if name not in CREATE:
                raise RestError(400, 20001, f"Unknown parameter: {name}")
        to = form.get("To", "")
        if not to:
            raise RestError(400, 21604, "A 'To' phone number is required.")
        if not _E164.fullmatch(to) and not _BSUID.fullmatch(to):
            raise RestError(400, 21211, f"Invalid 'To' Phone Number: {to}")
        self._check_sender(form)
        if form.get("From") == to:
            raise RestError(400, 63031, "Channels message cannot have same From and To")
        body, template, values = self._content(form, media)
        callback = _callback(form)
        _validity(form)
        person = self._world.by_phone.get(to)
        if person is not None and person.opted_out:
            raise RestError(400, 21610, "Attempt to send to unsubscribed recipient")
        service = form.get("MessagingServiceSid")
        submission = Submission(
            self.network.sid("MM" if media else "SM"),
            self.network.sender,
            to,
            body,
            self._world.clock(),
            person,
            template,
            values,
            callback,
            service,
            media,
            status="accepted" if service else "queued",
        )
        self.network.accept(submission)
        return submission

    def _content(
        self, form: dict[str, str], media: list[str]
    ) -> tuple[str, Template | None, dict[str, str]]:
        """Return the text, and the template with its values if there is one."""
        body = form.get("Body", "")
        if "ContentSid" in form:
            if body or media:
                raise RestError(400, 63030, "Body or MediaUrl given beside ContentSid")
            template, values = self._template(form)
            return template.render(values), template, values
        if "ContentVariables" in form:
            raise RestError(400, 21655, "ContentVariables without ContentSid")
        if not body.strip() and not media:
            raise RestError(400, 21602, "Message body is required.")
        if utf16(body) > BODY:
            raise RestError(
                400,
                21617,
                "The concatenated message body exceeds the 1600 character limit",
            )
        if len(media) > 10:
            raise RestError(400, 21623, "Number of media files exceeds allowed limit")
        return body, None, {}

    def _check_sender(self, form: dict[str, str]) -> None:
        sender, service = form.get("From"), form.get("MessagingServiceSid")
        if sender is None and service is None:
            raise RestError(400, 21603, "A 'From' phone number is required.")
        if service is not None and service != self.service_sid:
            raise RestError(400, 21703, "The Messaging Service has no usable sender")
        if sender is None or sender == self.network.sender:
            return
        if sender.startswith("whatsapp:"):
            raise RestError(
                400,
                63007,
                "Twilio could not find a Channel with the specified From address",
            )
        raise RestError(
            400, 21606, f"The 'From' phone number provided ({sender}) is not yours"
        )

    def _template(self, form: dict[str, str]) -> tuple[Template, dict[str, str]]:
        template = self.network.templates.get(form["ContentSid"])
        if template is None:
            raise RestError(400, 21655, "The ContentSid is Invalid")
        wrong = RestError(400, 21656, "The Content Variables parameter is invalid")
        try:
            values = json.loads(form.get("ContentVariables") or "{}")
        except ValueError:
            raise wrong from None
        if not isinstance(values, dict) or len(values) > 100:
            raise wrong
        for name, value in values.items():
            if not isinstance(value, str) or len(name) > 16:
                raise wrong
        if any(len(value) > 1600 for value in values.values()):
            raise RestError(400, 21658, "A content variable is too long")
        return template, values

    def _list(self, request: web.BaseRequest, form: dict[str, str]) -> dict[str, Any]:
        for name in form:
            if name not in LIST:
                raise RestError(400, 20001, f"Unknown parameter: {name}")
        network = self.network
        pool = (
            network.by_to.get(form["To"], [])
            if "To" in form
            else list(network.submissions.values())
        )
        wanted = [s for s in reversed(pool) if _matches(s, form)]
        size = min(max(int(form.get("PageSize", "50")), 1), 1000)
        page = int(form.get("Page", "0"))
        start = page * size
        shown = wanted[start : start + size]
        filters = {k: v for k, v in form.items() if k not in {"Page", "PageToken"}}
        filters["PageSize"] = str(size)

        def at(number: int) -> str:
            return f"{request.path}?{urlencode({**filters, 'Page': str(number)})}"

        more = start + size < len(wanted)
        return {
            "end": start + max(len(shown) - 1, 0),
            "first_page_uri": at(0),
            "messages": [resources.message(self.account_sid, s) for s in shown],
            "next_page_uri": at(page + 1) if more else None,
            "page": page,
            "page_size": size,
            "previous_page_uri": at(page - 1) if page else None,
            "start": start,
            "uri": at(page),
        }


def _method_name(request: web.BaseRequest) -> str:
    path, post = request.path, request.method == "POST"
    if path.endswith("/Messages.json"):
        return "Messages.create" if post else "Messages.list"
    if "/Messages/" in path and not post:
        return "Messages.fetch"
    if path == "/v2/Channels/Senders" and not post:
        return "Senders.list"
    if path.startswith("/v1/Content") and not post:
        return "Content.fetch" if "/HX" in path else "Content.list"
    if re.fullmatch(r"/2010-04-01/Accounts/\w+\.json", path) and not post:
        return "Accounts.fetch"
    return f"{request.method} {path}"


def _refused(error: RestError) -> web.Response:
    body = {
        "code": error.code,
        "message": str(error),
        "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
        "status": error.status,
    }
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return answer(error.status, body, headers)


def _scripted(fault: Fault) -> RestError:
    codes = {401: 20003, 404: 20404, 429: 20429, 500: 20500, 503: 20503, 504: 20504}
    code = fault.code or codes.get(fault.status, 20500)
    return RestError(fault.status, code, fault.description, fault.retry_after)


def _callback(form: dict[str, str]) -> str | None:
    url = form.get("StatusCallback")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise RestError(400, 21609, f"The StatusCallback URL {url} is not a valid URL.")
    if "_" in parts.hostname:
        raise RestError(400, 21609, "The StatusCallback host has an underscore")
    return url


def _validity(form: dict[str, str]) -> None:
    seconds = form.get("ValidityPeriod", "36000")
    if not seconds.isdigit() or not 1 <= int(seconds) <= 36000:
        raise RestError(400, 21700, "ValidityPeriod must be 1 to 36000 seconds")


def _matches(submission: Submission, form: Mapping[str, str]) -> bool:
    if "From" in form and submission.sender != form["From"]:
        return False
    sent = submission.sent
    for name in ("DateSent", "DateSent<", "DateSent>"):
        if name not in form:
            continue
        moment, stretch = _moment(form[name])
        if sent is None:
            return False
        too_late = {"DateSent<": moment, "DateSent>": sent}.get(name, moment + stretch)
        too_early = name != "DateSent<" and sent < moment
        if too_early or sent > too_late:
            return False
    return True


def _moment(text: str) -> tuple[float, float]:
    """Return when a date or a moment begins, and how long it lasts.

    The client library writes a date as its midnight, which therefore means the day.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RestError(400, 20001, f"Invalid date: {text}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return moment.timestamp(), 86_400.0 if midnight else 1.0
