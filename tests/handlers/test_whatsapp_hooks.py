"""Twilio's requests over the wire: whose they are, and what they leave behind."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from bot.domain.errors import StorageError
from handlers.whatsapp.hooks import LARGEST_BODY, TwilioHooks
from handlers.whatsapp.signature import SignatureGuard

TOKEN = "a" * 32
NEXT = "b" * 32
PUBLIC = "https://news.example/desk"
MESSAGE = {
    "MessageSid": "SM0123456789abcdef",
    "From": "whatsapp:+923001234567",
    "Body": "JOIN ABCD2345 کشمیر & more=1",
    "Empty": "",
}
STATUS = {"MessageSid": "SM0123456789abcdef", "MessageStatus": "delivered"}


def signature(path, fields, *, token=TOKEN, public=PUBLIC):
    return RequestValidator(token).compute_signature(public + path, fields)


async def post(client, path, fields, *, signed=None, at=None, headers=None):
    """Send a form as Twilio does; *at* is where it says it sends it to."""
    signed = signature(at or path, fields) if signed is None else signed
    return await client.post(
        path,
        data=urlencode(fields).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": signed,
            **(headers or {}),
        },
    )


async def stored(world):
    async with world.database.snapshot() as tx:
        return await tx.inbox.waiting(limit=100)


@asynccontextmanager
async def serving(world, *, database=None):
    hooks = TwilioHooks(
        guard=SignatureGuard([TOKEN, NEXT], PUBLIC + "/"),
        database=database or world.database,
        clock=world.clock,
        runner=world.runner,
    )
    app = web.Application(client_max_size=LARGEST_BODY)
    app.add_routes(hooks.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def client(world):
    async with serving(world) as client:
        yield client


async def test_a_message_is_stored_and_answered(world, client):
    answer = await post(client, "/twilio/inbound", MESSAGE)

    assert answer.status == 200
    assert answer.content_type == "text/xml"
    assert await answer.text() == "<Response/>"
    [entry] = await stored(world)
    assert entry.key == "message:SM0123456789abcdef"
    assert entry.payload == MESSAGE
    assert world.runner.kicks == [("inbox", "all")]


async def test_a_status_is_stored_with_its_reference(world, client):
    answer = await post(client, "/twilio/status?ref=12.1", {**STATUS, "ref": "99.9"})

    assert answer.status == 204
    [entry] = await stored(world)
    assert entry.key == "status:SM0123456789abcdef:delivered"
    assert entry.payload["ref"] == "12.1"


async def test_a_replay_is_answered_and_has_no_second_effect(world, client):
    for _ in range(3):
        assert (await post(client, "/twilio/inbound", MESSAGE)).status == 200
        assert (await post(client, "/twilio/status?ref=1.1", STATUS)).status == 204

    assert len(await stored(world)) == 2


async def test_a_proxy_s_host_makes_no_difference(world, client):
    answer = await post(
        client,
        "/twilio/status?ref=1.1&x=a%20b+c",
        STATUS,
        headers={"Host": "10.0.0.7:8080", "X-Forwarded-Host": "evil.example"},
    )

    assert answer.status == 204


async def test_both_tokens_are_good_while_they_change(client):
    signed = signature("/twilio/inbound", MESSAGE, token=NEXT)

    assert (await post(client, "/twilio/inbound", MESSAGE, signed=signed)).status == 200


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "x",
        "ü",
        signature("/twilio/inbound", MESSAGE, token="c" * 32),
        signature("/twilio/status", MESSAGE),
        signature("/twilio/inbound?x=1", MESSAGE),
        signature("/twilio/inbound", MESSAGE, public="https://elsewhere.example"),
        signature("/twilio/inbound", MESSAGE, public="http://news.example/desk"),
        signature("/twilio/inbound", {**MESSAGE, "Body": "JOIN EVIL2345"}),
        signature("/twilio/inbound", {}),
    ],
)
async def test_a_signature_of_something_else_is_refused(world, client, signed):
    answer = await post(client, "/twilio/inbound", MESSAGE, signed=signed)

    assert answer.status == 403
    assert await stored(world) == []
    assert world.runner.kicks == []


async def test_a_reference_cannot_be_changed(world, client):
    answer = await post(
        client, "/twilio/status?ref=2.1", STATUS, at="/twilio/status?ref=1.1"
    )

    assert answer.status == 403
    assert await stored(world) == []


async def test_a_signed_address_does_not_vouch_for_another_body(world, client):
    """A ``bodySHA256`` in the address is for JSON; a form is always looked into."""
    path = "/twilio/inbound?bodySHA256=" + "0" * 64

    answer = await post(client, path, MESSAGE, signed=signature(path, {}))

    assert answer.status == 403


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, 10 * LARGEST_BODY])
async def test_too_large_a_body_is_refused(world, client, size):
    answer = await post(client, "/twilio/inbound", {**MESSAGE, "Body": "x" * size})

    assert answer.status == 413
    assert await stored(world) == []


@pytest.mark.parametrize("packing", ["gzip", "deflate", "identity"])
async def test_a_packed_body_is_refused_unread(world, client, packing):
    answer = await post(
        client, "/twilio/inbound", MESSAGE, headers={"Content-Encoding": packing}
    )

    assert answer.status == 415
    assert await stored(world) == []


async def test_a_body_of_unstated_size_is_not_read_to_its_end(client):
    given = 0

    async def endless():
        nonlocal given
        while given < 100 * LARGEST_BODY:
            given += 8192
            yield b"x" * 8192

    try:
        answer = await client.post(
            "/twilio/inbound",
            data=endless(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status == 413
    except ConnectionError:
        pass  # it was cut off while it still sent
    assert given < 100 * LARGEST_BODY


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "x"])
async def test_another_content_type_is_refused(world, client, kind):
    answer = await client.post(
        "/twilio/inbound",
        data=urlencode(MESSAGE).encode(),
        headers={
            "Content-Type": kind,
            "X-Twilio-Signature": signature("/twilio/inbound", MESSAGE),
        },
    )

    assert answer.status == 415
    assert await stored(world) == []


@pytest.mark.parametrize("path", ["/twilio", "/twilio/inbound/", "/"])
async def test_other_paths_are_not_ours(client, path):
    assert (await post(client, path, MESSAGE)).status == 404


async def test_other_methods_are_refused(client):
    assert (await client.get("/twilio/inbound")).status == 405


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/twilio/inbound", {"Body": "x"}),
        ("/twilio/inbound", {"MessageSid": "../../x"}),
        ("/twilio/status?ref=1.1", {"MessageSid": "SM1"}),
        ("/twilio/status?ref=1.1", {"MessageSid": "SM1", "MessageStatus": "a:b"}),
    ],
)
async def test_a_signed_form_of_another_kind_is_a_bad_request(
    world, client, path, fields
):
    assert (await post(client, path, fields)).status == 400
    assert await stored(world) == []


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"&".join([b"a=1"] * 500), b"%"])
async def test_a_body_that_is_no_form_is_refused(client, body):
    answer = await client.post(
        "/twilio/inbound",
        data=body,
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": "x" * 28,
        },
    )

    assert answer.status == 403


async def test_what_could_not_be_stored_is_not_said_to_be(world):
    class Broken:
        def transaction(self):
            raise StorageError("the database is locked; try again")

    async with serving(world, database=Broken()) as client:
        answer = await post(client, "/twilio/inbound", MESSAGE)

    assert answer.status == 503


async def test_nothing_personal_is_logged(world, client, caplog):
    for ours in ("harkara", "aiohttp", "twilio"):
        caplog.set_level(logging.DEBUG, logger=ours)

    await post(client, "/twilio/inbound", MESSAGE)
    await post(client, "/twilio/inbound", MESSAGE, signed="x")

    for record in caplog.records:
        said = f"{record.getMessage()} {record.__dict__}"
        assert "923001234567" not in said
        assert "ABCD2345" not in said
        assert TOKEN not in said


@given(
    path=st.text(),
    query=st.text(),
    fields=st.dictionaries(st.text(), st.text()),
    signed=st.text(),
    public=st.text(),
)
def test_a_guard_never_stumbles(path, query, fields, signed, public):
    guard = SignatureGuard([TOKEN], public)

    assert not guard.accepts(path, query, MultiDict(fields), signed)
