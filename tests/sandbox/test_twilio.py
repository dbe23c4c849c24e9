"""Twilio's side: what it takes, what it refuses, and what becomes of it later."""

from __future__ import annotations

import asyncio
import base64
import json
import logging

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from bot.sandbox import Log, Record, Sandbox

PHONE = "+923001234567"


class OwnHttp(AsyncHttpClient):  # type: ignore[misc] # its base has no types
    """The smallest transport that the library accepts."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        super().__init__(logging.getLogger("twilio.http"), is_async=True, timeout=15)
        self._session = session

    async def request(
        self,
        method,
        url,
        params=None,
        data=None,
        headers=None,
        auth=None,
        timeout=None,
        allow_redirects=False,  # noqa: FBT002 - the library's signature
    ):
        headers = dict(headers or {})
        if auth:
            secret = base64.b64encode(f"{auth[0]}:{auth[1]}".encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        async with self._session.request(
            method,
            url,
            params=params,
            data=data,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=timeout or self.timeout),
            allow_redirects=allow_redirects,
        ) as response:
            return Response(response.status, await response.text(), response.headers)


@pytest.fixture
def client(sandbox, session):
    client = Client(
        sandbox.account_sid, sandbox.auth_token, http_client=OwnHttp(session)
    )
    for domain in (client.api, client.content, client.messaging):
        domain.base_url = sandbox.twilio_url
    return client


@pytest.fixture
async def reader(sandbox):
    """Somebody who has just written to us."""
    person = sandbox.world.person("Ayesha", phone=PHONE, language="ur")
    await sandbox.world.whatsapp(person, "JOIN x")
    return person


async def fate(
    sandbox: Sandbox, sid: str, *, last: str = "delivered"
) -> tuple[str, int | None]:
    """Wait until a message has come to rest, and return its status and error."""
    final = {"failed", "undelivered", last}

    def settled(log: Log) -> list[Record]:
        return [r for r in log.statuses(sid=sid) if r["status"] in final]

    (record, *_) = await sandbox.log.wait_for(settled)
    return record["status"], record["error"]


async def test_the_real_library_sends_and_fetches_and_lists(sandbox, client, reader):
    sent = await client.messages.create_async(
        to=reader.whatsapp, from_="whatsapp:+14155550100", body="Salaam"
    )
    assert (sent.status, sent.direction, sent.error_code) == (
        "queued",
        "outbound-api",
        None,
    )
    assert await fate(sandbox, sent.sid) == ("delivered", None)

    fetched = await client.messages(sent.sid).fetch_async()
    assert (fetched.status, fetched.body) == ("delivered", "Salaam")
    assert fetched.date_sent is not None
    for _ in range(4):
        await client.messages.create_async(
            to=reader.whatsapp, from_="whatsapp:+14155550100", body="again"
        )
    listed = await client.messages.list_async(to=reader.whatsapp, page_size=2)
    assert len(listed) == 5
    today = fetched.date_sent.date()
    assert sent.sid in {
        m.sid
        for m in await client.messages.list_async(to=reader.whatsapp, date_sent=today)
    }
    assert await client.messages.list_async(date_sent_before="2020-01-01") == []
    since = await client.messages.list_async(date_sent_after=today, limit=2)
    assert len(since) == 2
    account = await client.api.accounts(sandbox.account_sid).fetch_async()
    assert account.status == "active"


async def test_the_real_library_reads_templates(sandbox, client):
    sandbox.add_template(sid="HX" + "1" * 32, body="{{1}}: news", name="daily")

    (content,) = await client.content.v1.contents.list_async()
    assert content.friendly_name == "daily"
    approval = (
        await client.content.v1.contents(content.sid).approval_fetch().fetch_async()
    )
    assert approval.whatsapp["status"] == "approved"


async def test_wrong_credentials(sandbox, session):
    client = Client(sandbox.account_sid, "wrong", http_client=OwnHttp(session))
    client.api.base_url = sandbox.twilio_url

    with pytest.raises(TwilioRestException) as caught:
        await client.messages.create_async(to="x", from_="y", body="z")

    assert (caught.value.status, caught.value.code) == (401, 20003)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"Body": "x" * 1601}, 400, 21617),
        ({"Body": "😀" * 801}, 400, 21617),
        ({"Body": ""}, 400, 21602),
        ({"Body": " \n"}, 400, 21602),
        ({"Body": "x", "To": "whatsapp:12"}, 400, 21211),
        ({"Body": "x", "To": "+923001234567"}, 400, 21211),
        ({"Body": "x", "From": "+14155550100"}, 400, 21606),
        ({"Body": "x", "From": "whatsapp:+14155550199"}, 400, 63007),
        ({"Body": "x", "MessagingServiceSid": "MGother"}, 400, 21703),
        ({"Body": "x", "Boddy": "y"}, 400, 20001),
        ({"Body": "x", "StatusCallback": "/relative"}, 400, 21609),
        ({"Body": "x", "ValidityPeriod": "0"}, 400, 21700),
        ({"ContentSid": "HXnone"}, 400, 21655),
        ({"ContentSid": "HX1", "Body": "x"}, 400, 63030),
        ({"ContentSid": "HX1", "ContentVariables": "{"}, 400, 21656),
        ({"ContentSid": "HX1", "ContentVariables": '{"1": 5}'}, 400, 21656),
        ({"ContentSid": "HX1", "ContentVariables": '{"1": null}'}, 400, 21656),
        ({"ContentSid": "HX1", "ContentVariables": '["x"]'}, 400, 21656),
    ],
)
async def test_refused_at_once(sandbox, api, reader, form, status, code):
    sandbox.add_template(sid="HX1", body="{{1}} is ready")

    answer = await api.whatsapp(form.pop("To", reader), **form)

    assert (answer["http"], answer["status"], answer["code"]) == (status, status, code)
    assert answer["more_info"].endswith(f"/{code}")
    assert not any(r["stored"] for r in sandbox.log.sends())


async def test_what_does_not_exist(sandbox, api):
    missing = await api.twilio("Messages/SM0.json", method="GET")
    assert (missing["http"], missing["code"]) == (404, 20404)
    assert (await api.twilio("/v1/Content/HX0", method="GET"))["http"] == 404
    assert (await api.twilio("/nowhere", method="GET"))["http"] == 404


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        ({"1": "x"}, None),
        ({"1": "a\nb"}, 63013),
        ({"1": "a\tb"}, 63013),
        ({"1": "a     b"}, 63013),
        ({"1": "a    b"}, None),
        ({"1": ""}, 63013),
        ({}, 63028),
        ({"1": "x" * 1020}, 63021),
    ],
)
async def test_template_variables(sandbox, api, variables, error):
    stranger = sandbox.world.person("Bilal", phone="+923009999999")
    sandbox.add_template(sid="HX1", body="{{1}} is ready")

    sent = await api.whatsapp(
        stranger, ContentSid="HX1", ContentVariables=json.dumps(variables)
    )

    assert sent["http"] == 201
    status, found = await fate(sandbox, sent["sid"])
    assert found == error
    assert status == ("failed" if error else "delivered")


@pytest.mark.parametrize(
    ("status", "error"),
    [("pending", 63016), ("rejected", 63040), ("paused", 63041), ("disabled", 63042)],
)
async def test_templates_that_are_not_approved(sandbox, api, status, error):
    stranger = sandbox.world.person("Bilal", phone="+923009999999")
    sandbox.add_template(sid="HX1", body="Good morning", status=status)

    sent = await api.whatsapp(stranger, ContentSid="HX1")

    assert await fate(sandbox, sent["sid"]) == ("failed", error)


async def test_the_window(session, api_of):
    now = 1_800_000_000.0
    async with Sandbox(rate="unlimited", clock=lambda: now) as sandbox:
        api, world = api_of(sandbox), sandbox.world
        reader = world.person("Ayesha", phone=PHONE)

        async def attempt() -> tuple[str, int | None]:
            return await fate(sandbox, (await api.whatsapp(reader, Body="x"))["sid"])

        assert await attempt() == ("failed", 63016)
        await world.whatsapp(reader, "JOIN")
        assert await attempt() == ("delivered", None)
        now += 24 * 3600 - 1
        assert await attempt() == ("delivered", None)
        now += 1
        assert await attempt() == ("failed", 63016)
        await world.whatsapp(reader, "again")
        world.close_window(reader)
        assert await attempt() == ("failed", 63016)
        assert [m.text for m in world.messages(reader, whatsapp=True)] == [
            "JOIN",
            "x",
            "x",
            "again",
        ]
        assert len(sandbox.log.copies_of("x", reader)) == 2


async def test_readers_who_cannot_be_reached(sandbox, api, reader):
    for code, status in [
        (63024, "undelivered"),
        (63049, "undelivered"),
        (63003, "undelivered"),
    ]:
        await sandbox.world.refuse_with(reader, code)
        sent = await api.whatsapp(reader, Body="x")
        assert await fate(sandbox, sent["sid"]) == (status, code)
    await sandbox.world.refuse_with(reader, None)
    unknown = await api.whatsapp("whatsapp:+447000000000", Body="x")
    assert await fate(sandbox, unknown["sid"]) == ("undelivered", 63024)
    await sandbox.world.opt_out(reader)
    assert (await api.whatsapp(reader, Body="x"))["code"] == 21610
    await sandbox.world.opt_in(reader)
    assert (await api.whatsapp(reader, Body="x"))["http"] == 201


async def test_status_callbacks_are_signed_for_the_exact_address(
    sandbox, api, reader, hook
):
    callback = f"{hook.url}?d=7&x=a%20b#rc=3&rp=all"
    sent = await api.whatsapp(reader, Body="x", StatusCallback=callback)
    await fate(sandbox, sent["sid"])
    await sandbox.log.wait_for(lambda log: log.callbacks(reader), count=2)
    await sandbox.world.read(reader)

    assert hook.statuses() == ["sent", "delivered", "read"]
    url = callback.partition("#")[0]
    for address, form, headers in hook.calls:
        assert address == url
        assert RequestValidator(sandbox.auth_token).validate(
            url, form, headers["X-Twilio-Signature"]
        )
        assert headers["I-Twilio-Idempotency-Token"]
        assert form["MessageSid"] == form["SmsSid"] == sent["sid"]
        assert form["To"] == reader.whatsapp
    assert hook.calls[2][1]["EventType"] == "READ"


async def test_a_failure_is_reported_with_its_code(sandbox, api, hook):
    stranger = sandbox.world.person("Bilal", phone="+923009999999")
    await api.whatsapp(stranger, Body="x", StatusCallback=hook.url)
    await sandbox.log.wait_for(lambda log: log.callbacks(stranger))

    ((_, form, _),) = hook.calls
    assert (form["MessageStatus"], form["ErrorCode"]) == ("failed", "63016")


async def test_read_receipts_may_be_off(sandbox, api, reader, hook):
    await sandbox.world.set_habits(reader, receipts=False)
    sent = await api.whatsapp(reader, Body="x", StatusCallback=hook.url)
    await fate(sandbox, sent["sid"])
    await sandbox.world.read(reader)
    await asyncio.sleep(0.05)

    assert hook.statuses() == ["sent", "delivered"]
    await sandbox.world.set_habits(reader, receipts=True, auto_read=True)
    sent = await api.whatsapp(reader, Body="y")
    await sandbox.log.wait_for(
        lambda log: [r for r in log.statuses(sid=sent["sid"]) if r["status"] == "read"]
    )


async def test_inbound_messages(sandbox, api, hook):
    sandbox.twilio.configure(inbound_url=hook.url)
    sandbox.add_template(sid="HX1", body="News is ready", buttons=["Read now"])
    reader = sandbox.world.person("Ayesha", phone=PHONE)
    await sandbox.world.whatsapp(reader, "JOIN token")
    sent = await api.whatsapp(reader, ContentSid="HX1")
    await fate(sandbox, sent["sid"])
    await sandbox.world.press(
        reader, sandbox.world.last(reader, whatsapp=True), "Read now"
    )

    (url, text, headers), (_, button, _) = hook.calls
    validator = RequestValidator(sandbox.auth_token)
    assert validator.validate(url, text, headers["X-Twilio-Signature"])
    assert (text["Body"], text["WaId"], text["ProfileName"]) == (
        "JOIN token",
        "923001234567",
        "Ayesha",
    )
    assert text["SmsStatus"] == "received"
    assert (button["MessageType"], button["ButtonText"]) == ("button", "Read now")
    assert button["OriginalRepliedMessageSid"] == sent["sid"]


async def test_callbacks_are_repeated_only_as_asked(sandbox, hook, reader):
    sandbox.twilio.configure(inbound_url=hook.url)
    hook.answers = [503]
    await sandbox.world.whatsapp(reader, "one")
    assert len(hook.calls) == 1

    hook.answers = [503, 503, 200]
    sandbox.twilio.configure(inbound_url=f"{hook.url}#rc=5&rp=5xx")
    await sandbox.world.whatsapp(reader, "two")
    assert len(hook.calls) == 4
    tokens = {headers["I-Twilio-Idempotency-Token"] for _, _, headers in hook.calls[1:]}
    assert len(tokens) == 1


async def test_an_application_that_is_away_is_tried_twice(sandbox, reader):
    sandbox.twilio.configure(inbound_url="http://127.0.0.1:9/in")

    await sandbox.world.whatsapp(reader, "anybody?")

    assert sandbox.log.of("webhook", reader)[-1]["tries"] == 2
    assert sandbox.log.of("webhook", reader)[-1]["answer"] is None


async def test_what_was_posted_can_be_posted_again_and_anything_else_too(
    sandbox, hook, reader
):
    network = sandbox.twilio.network
    sandbox.twilio.configure(inbound_url=hook.url)
    await sandbox.world.whatsapp(reader, "one")
    await network.post(*network.posts[0])
    assert (await network.post(hook.url, {"Body": "odd"})).status == 204

    (url, first, _), (_, second, _), (_, odd, headers) = hook.calls
    assert first == second
    assert odd == {"Body": "odd"}
    validator = RequestValidator(sandbox.auth_token)
    assert validator.validate(url, odd, headers["X-Twilio-Signature"])
