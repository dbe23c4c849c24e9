"""What Twilio is sent, and what its list of messages proves."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.domain.deliveries import DeliveryId, Progress, Reference
from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    SendError,
    TryLater,
    Undeliverable,
)
from bot.domain.messages import Button, ChatPicker, OutboundMessage, Template
from bot.domain.recipients import Address, Channel
from bot.ports import LookUp
from bot.transports.whatsapp import ASTRAY, PAGE, with_reference
from tests.fakes import FakeClock
from tests.transports.scripted import Answer, Asked, Rude, serving
from tests.transports.stands import (
    ACCOUNT,
    PASSWORD,
    PLAIN,
    READER,
    TEXT,
    whatsapp,
)

REFERENCE = Reference(DeliveryId(12), 2)
TEMPLATE = Template(content_sid="HX1", variables=(("1", "کل بارش"), ("name", 'a"b')))
CREATED = Answer.json({"sid": "SM41", "status": "queued"}, 201)


async def sent(
    message: OutboundMessage,
    *,
    to: Address = READER,
    reference: Reference | None = REFERENCE,
    validity: timedelta | None = None,
) -> Asked:
    async with (
        serving(CREATED) as server,
        whatsapp(server, validity=validity) as messenger,
    ):
        assert await messenger.send(to, message, reference) == "SM41"
    [asked] = server.asked
    assert asked.method == "POST"
    assert asked.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    return asked


async def test_a_text_is_sent_as_it_is() -> None:
    asked = await sent(replace(PLAIN, text="*کل* بارش & 100 %\n"))
    assert asked.form == {
        "To": "whatsapp:+923001234567",
        "From": "whatsapp:+14155238886",
        "Body": "*کل* بارش & 100 %\n",
        "StatusCallback": "https://desk.example/twilio/status?ref=12.2",
    }
    credentials = base64.b64encode(f"{ACCOUNT}:{PASSWORD}".encode()).decode()
    assert asked.headers["authorization"] == f"Basic {credentials}"


async def test_a_template_is_sent_with_its_variables() -> None:
    form = (await sent(TEMPLATE)).form
    assert form["ContentSid"] == "HX1"
    assert json.loads(form["ContentVariables"]) == {"1": "کل بارش", "name": 'a"b'}
    assert "Body" not in form


async def test_a_template_without_variables_sends_none() -> None:
    form = (await sent(Template(content_sid="HX1", variables=()))).form
    assert "ContentVariables" not in form


async def test_a_reader_may_have_no_number() -> None:
    to = Address(Channel.WHATSAPP, "PK.ENT.aB9")
    assert (await sent(PLAIN, to=to)).form["To"] == "whatsapp:PK.ENT.aB9"


async def test_a_reply_asks_for_no_report() -> None:
    assert "StatusCallback" not in (await sent(PLAIN, reference=None)).form


@pytest.mark.parametrize(
    ("validity", "expected"),
    [
        (timedelta(hours=4), "14400"),
        (timedelta(days=9), "36000"),
        (timedelta(0), "1"),
    ],
)
async def test_a_message_may_be_kept_only_so_long(
    validity: timedelta, expected: str
) -> None:
    assert (await sent(PLAIN, validity=validity)).form["ValidityPeriod"] == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h.example/s", "https://h.example/s?ref=12.2"),
        ("https://h.example/s?a=b", "https://h.example/s?a=b&ref=12.2"),
        ("https://h.example/s#rc=5&rp=all", "https://h.example/s?ref=12.2#rc=5&rp=all"),
        (
            "https://h.example:8443/s?a=%20b&c#rc=5",
            "https://h.example:8443/s?a=%20b&c&ref=12.2#rc=5",
        ),
        ("https://h.example", "https://h.example?ref=12.2"),
    ],
)
def test_the_reference_joins_the_address(url: str, expected: str) -> None:
    joined = with_reference(url, REFERENCE)
    assert joined == expected
    assert parse_qs(urlsplit(joined).query)["ref"] == ["12.2"]
    assert Reference.parse("12.2") == REFERENCE


@pytest.mark.parametrize(
    "message",
    [
        TEXT,
        replace(PLAIN, buttons=((Button("Yes", data="y"),),)),
        replace(PLAIN, picker=ChatPicker("Choose", 3)),
    ],
)
async def test_what_whatsapp_cannot_carry_is_not_sent(message: OutboundMessage) -> None:
    async with serving(CREATED) as server, whatsapp(server) as messenger:
        with pytest.raises(Malformed):
            await messenger.send(READER, message, None)
    assert server.asked == []


async def test_a_refusal_in_a_201_is_a_refusal() -> None:
    answer = Answer.json({"sid": "SM1", "status": "failed", "error_code": 63024}, 201)
    async with serving(answer) as server, whatsapp(server) as messenger:
        with pytest.raises(Undeliverable) as caught:
            await messenger.send(READER, PLAIN, None)
    assert caught.value.kind is FailureKind.UNREACHABLE


async def test_a_201_without_a_sid_is_doubt() -> None:
    async with (
        serving(Answer.json({"status": "queued"}, 201)) as server,
        whatsapp(server) as messenger,
    ):
        with pytest.raises(Doubtful):
            await messenger.send(READER, PLAIN, None)


@pytest.mark.parametrize(
    ("header", "expected"),
    [("9", 9), ("0", 0), ("soon", 1), ("9999999", 86_400)],
)
async def test_the_wait_asked_for_is_read(header: str, expected: int) -> None:
    answer = Answer.json({"code": 20429}, 429, Retry_After=header)
    async with serving(answer) as server, whatsapp(server) as messenger:
        with pytest.raises(TryLater) as caught:
            await messenger.send(READER, PLAIN, None)
    assert caught.value.after == timedelta(seconds=expected)


async def test_nothing_personal_in_logs_or_errors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    told = "The 'To' number whatsapp:+923001234567 is not valid: Rain tomorrow"
    refused = Answer.json({"code": 21211, "message": told}, 400)
    async with (
        serving(
            refused, Rude.CUT, Answer(201, b"Rain +92300"), rest=Rude.CUT
        ) as server,
        whatsapp(server) as messenger,
    ):
        for _ in range(3):
            with pytest.raises(SendError) as caught:
                await messenger.send(READER, PLAIN, REFERENCE)
            error: BaseException | None = caught.value
            while error is not None:
                assert "92300" not in repr(error) + str(error)
                assert "Rain" not in repr(error) + str(error)
                error = error.__cause__
        await messenger.look_up(READER, PLAIN, START)
    for secret in ("92300", "Rain", PASSWORD, ACCOUNT):
        assert secret not in caplog.text


# --- looking up ------------------------------------------------------------------

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
#: How far ahead of Twilio's our clock was when the call was begun.
WRONG = (-90 * SECOND, -5 * MINUTE, timedelta(days=-1), 90 * SECOND, timedelta(days=1))


def listed(created: datetime = START, **changes: Any) -> dict[str, Any]:
    return {
        "sid": "SM7",
        "to": "whatsapp:+923001234567",
        "from": "whatsapp:+14155238886",
        "direction": "outbound-api",
        "body": "Rain tomorrow",
        "status": "sent",
        "error_code": None,
        "date_created": format_datetime(created.astimezone(UTC)),
        **changes,
    }


async def looked_up(
    *messages: dict[str, Any],
    message: OutboundMessage = PLAIN,
    after: timedelta = timedelta(minutes=3),
    others: tuple[str, ...] = (),
) -> LookUp | None:
    answer = Answer.json({"messages": list(messages), "next_page_uri": None})
    clock = FakeClock(START + after)
    async with serving(answer) as server, whatsapp(server, clock=clock) as messenger:
        assert messenger.can_look_up
        found = await messenger.look_up(READER, message, START, others=others)
    [asked] = server.asked
    assert asked.method == "GET"
    assert asked.query["To"] == "whatsapp:+923001234567"
    assert asked.query["From"] == "whatsapp:+14155238886"
    return found


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        ("queued", Progress.ACCEPTED),
        ("sent", Progress.ACCEPTED),
        ("delivered", Progress.DELIVERED),
        ("read", Progress.READ),
        ("a new word", Progress.ACCEPTED),
    ],
)
async def test_a_message_is_found(status: str, progress: Progress) -> None:
    found = await looked_up(listed(status=status))
    assert found == LookUp(found=True, provider_id="SM7", progress=progress)


async def test_a_failed_message_brings_its_code() -> None:
    found = await looked_up(listed(status="undelivered", error_code=63016))
    assert found == LookUp(
        found=True, provider_id="SM7", progress=Progress.FAILED, code="63016"
    )


@pytest.mark.parametrize("message", [PLAIN, TEMPLATE])
async def test_nothing_listed_is_proof_only_after_a_while(
    message: OutboundMessage,
) -> None:
    assert await looked_up(message=message) == LookUp(found=False)
    assert await looked_up(message=message, after=60 * SECOND) is None
    assert await looked_up(message=message, after=0 * SECOND) is None


@pytest.mark.parametrize(
    "other",
    [
        listed(START - timedelta(days=1, seconds=1)),
        listed(START + timedelta(days=1, seconds=1)),
        listed(direction="inbound"),
        listed(to="whatsapp:+923009999999"),
    ],
)
@pytest.mark.parametrize("message", [PLAIN, TEMPLATE])
async def test_other_messages_are_no_candidates(
    other: dict[str, Any], message: OutboundMessage
) -> None:
    assert await looked_up(other, message=message) == LookUp(found=False)


async def test_a_text_is_known_by_its_body() -> None:
    assert await looked_up(listed(body="Sun")) == LookUp(found=False)
    found = await looked_up(listed(body="Sun", sid="SM6"), listed())
    assert found is not None
    assert found.provider_id == "SM7"


async def test_a_template_is_known_by_its_moment_alone() -> None:
    found = await looked_up(listed(body="Anything"), message=TEMPLATE)
    assert found is not None
    assert found.found


@pytest.mark.parametrize("message", [PLAIN, TEMPLATE])
async def test_two_candidates_prove_nothing(message: OutboundMessage) -> None:
    two = (listed(), listed(START + SECOND, sid="SM8"))
    assert await looked_up(*two, message=message) is None


@pytest.mark.parametrize("message", [PLAIN, TEMPLATE])
@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_a_clock_that_was_wrong_proves_nothing(
    wrong: timedelta, message: OutboundMessage
) -> None:
    """It was set right between the call and the look-up, or is wrong still."""
    for after in (3 * MINUTE, max(-wrong, 3 * MINUTE) + 20 * SECOND):
        taken = listed(START - wrong)
        assert await looked_up(taken, message=message, after=after) is None
        # It is another's, and ours was never taken.
        found = await looked_up(taken, message=message, after=after, others=("SM7",))
        assert found == (LookUp(found=False) if after <= ASTRAY else None)


async def test_what_another_call_sent_is_no_candidate() -> None:
    two = (listed(), listed(START + SECOND, sid="SM8"))
    found = await looked_up(*two, message=TEMPLATE, others=("SM7",))
    assert found is not None
    assert found.provider_id == "SM8"


async def test_a_page_that_does_not_reach_back_proves_nothing() -> None:
    later = [listed(START, sid=f"SM{n}", body="Sun") for n in range(PAGE)]
    known = tuple(each["sid"] for each in later)
    assert await looked_up(*later) is None
    assert await looked_up(*later, others=known) is None
    later[-1] = listed(START - timedelta(days=1, seconds=1))
    assert await looked_up(*later) == LookUp(found=False)


async def test_an_unreadable_date_proves_nothing() -> None:
    assert await looked_up(listed(date_created=None)) is None
    assert await looked_up(listed(date_created="yesterday")) is None


@pytest.mark.parametrize(
    "answer", [Rude.CUT, Answer(500, b""), Answer(200, b"nonsense"), Answer(404, b"{}")]
)
async def test_a_look_up_that_fails_proves_nothing(answer: Answer | Rude) -> None:
    clock = FakeClock(START + timedelta(hours=1))
    async with (
        serving(rest=answer) as server,
        whatsapp(server, clock=clock) as messenger,
    ):
        assert await messenger.look_up(READER, PLAIN, START) is None


def received(sid: str, body: str, *, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "sid": sid,
        "body": body,
        "direction": "inbound",
        "from": "whatsapp:+923001234567",
        "to": "whatsapp:+14155238886",
        "date_created": format_datetime(at),
        "date_sent": format_datetime(at),
        **more,
    }


async def test_what_was_received_is_listed_the_oldest_first() -> None:
    since = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    minute = timedelta(minutes=1)
    page = [
        received("SM3", "STOP", at=since + minute),
        received("SM2", "news", at=since + minute, direction="outbound-api"),
        received("SM1", "JOIN ABC", at=since, **{"from": "whatsapp:PK.aB9"}),
        received("SM0", "too old", at=since - minute),
        received("SM8", "odd", at=since, date_sent=None, date_created=None),
        {"direction": "inbound", "to": "whatsapp:+14155238886"},
    ]
    answer = Answer.json({"messages": page, "next_page_uri": None})
    async with serving(answer) as server, whatsapp(server) as messenger:
        found = await messenger.received_since(since)
    [asked] = server.asked
    assert asked.query["To"] == "whatsapp:+14155238886"
    assert asked.query["DateSent>"] == "2026-11-22T06:00:00Z"
    assert [(each.key, each.received_at) for each in found] == [
        ("message:SM1", since),
        ("message:SM3", since + minute),
    ]
    assert found[0].payload == {
        "MessageSid": "SM1",
        "From": "whatsapp:PK.aB9",
        "To": "whatsapp:+14155238886",
        "Body": "JOIN ABC",
        "Fetched": "1",
    }


@pytest.mark.parametrize(
    "answer",
    [
        Rude.CUT,
        Answer(503),
        Answer.json({}),
    ],
)
async def test_a_list_that_cannot_be_had_is_asked_for_again(answer: Any) -> None:
    async with serving(answer) as server, whatsapp(server) as messenger:
        with pytest.raises(TryLater):
            await messenger.received_since(datetime.now(UTC))
