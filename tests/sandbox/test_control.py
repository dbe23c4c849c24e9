"""Driving the sandbox from another process, and watching it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from bot.sandbox import Hooks, Sandbox
from bot.sandbox.page import FILES


@pytest.fixture
def control(sandbox, session):
    """Return a caller of the control port."""

    async def call(path, body=None, method=None):
        verb = method or ("GET" if body is None else "POST")
        async with session.request(verb, f"{sandbox.page_url}{path}", json=body) as r:
            return r.status, await r.json()

    return call


async def test_a_story_told_over_http(sandbox, api, control):
    _, person = await control(
        "/sandbox/people", {"name": "Ayesha", "phone": "+923001234567"}
    )
    _, group = await control(
        "/sandbox/groups", {"title": "G", "admins": [person["id"]]}
    )
    who = {"person": person["id"]}
    assert (
        await control("/sandbox/actions", {"do": "open_start", "token": "T", **who})
    )[0] == 200
    await control(
        "/sandbox/actions", {"do": "open_startgroup", "group": group["id"], **who}
    )
    sent = await api.send(
        person["id"],
        "Hello",
        reply_markup={"inline_keyboard": [[{"text": "Ok", "callback_data": "ok"}]]},
    )
    number = sent["result"]["message_id"]
    await control(
        "/sandbox/actions",
        {"do": "press", "message": number, "label_or_data": "Ok", **who},
    )
    await control("/sandbox/actions", {"do": "whatsapp", "text": "JOIN", **who})

    updates = await api.updates()
    assert updates[-1]["callback_query"]["data"] == "ok"
    _, messages = await control(f"/sandbox/messages?chat={person['id']}")
    assert [m["text"] for m in messages] == ["/start T", "Hello"]
    _, state = await control("/sandbox/state")
    assert [chat["channel"] for chat in state["chats"]] == [
        "telegram",
        "whatsapp",
        "telegram",
    ]
    _, settings = await control("/sandbox/settings")
    assert settings["telegram_url"] == sandbox.telegram_url


async def test_faults_over_http(sandbox, api, control):
    reader = sandbox.world.person("Ayesha", started=True)
    await control("/sandbox/faults", {"kind": "error", "to": reader.id, "status": 502})
    assert (await api.send(reader, "x"))["http"] == 502
    await control("/sandbox/faults", {"callbacks": "lost"})
    assert (await control("/sandbox/faults", method="DELETE"))[0] == 200
    await control("/sandbox/provider", {"provider": "telegram", "do": "down"})
    assert not sandbox.telegram.listener.is_up
    await control("/sandbox/provider", {"provider": "telegram", "do": "up"})
    assert (await api.send(reader, "x"))["ok"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sandbox/actions", {"do": "fly"}, 400),
        ("/sandbox/actions", {"do": "block", "person": 1}, 400),
        ("/sandbox/actions", {"do": "block"}, 400),
        ("/sandbox/faults", {"kind": "explode"}, 400),
        ("/sandbox/provider", {"provider": "pigeon", "do": "up"}, 400),
        ("/sandbox/nothing", {}, 404),
        ("/sandbox/messages?chat=5", None, 400),
    ],
)
async def test_mistakes_are_named(control, path, body, status):
    found, answer = await control(path, body)

    assert found == status
    assert answer["error"]


async def test_only_loopback_and_only_json(sandbox, session):
    url = f"{sandbox.page_url}/sandbox/people"
    async with session.post(url, data={"name": "x"}) as response:
        assert response.status == 415
    async with session.get(url, headers={"Host": "evil.example:80"}) as response:
        assert response.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_from_elsewhere_changes_nothing(sandbox, session, headers):
    url = f"{sandbox.page_url}/sandbox"
    person = {"name": "x"}
    async with session.post(f"{url}/people", json=person, headers=headers) as response:
        assert response.status == 403
    async with session.delete(f"{url}/faults", headers=headers) as response:
        assert response.status == 403
    assert not sandbox.world.people


async def test_the_page_itself_may_change_things(sandbox, session):
    headers = {
        "Origin": sandbox.page_url,
        "Sec-Fetch-Site": "same-origin",
    }
    url = f"{sandbox.page_url}/sandbox/people"
    async with session.post(url, json={"name": "x"}, headers=headers) as response:
        assert response.status == 200


async def test_the_log_and_its_changes(sandbox, api, session, control):
    reader = sandbox.world.person("Ayesha", started=True)
    await api.send(reader, "سلام")
    url = f"{sandbox.page_url}/sandbox/log?kind=visible&chat={reader.id}"
    async with session.get(url) as response:
        (line,) = (await response.text()).splitlines()
    assert json.loads(line)["text"] == "سلام"

    waiting = asyncio.create_task(
        control(f"/sandbox/changes?since={len(sandbox.log)}&kind=visible&timeout=10")
    )
    await asyncio.sleep(0.05)
    await api.send(reader, "more")
    _, records = await asyncio.wait_for(waiting, 5)
    assert [record["text"] for record in records] == ["more"]
    assert await control(f"/sandbox/changes?since={len(sandbox.log)}&timeout=0.05") == (
        200,
        [],
    )


async def test_the_stream_carries_each_message_in_its_last_state(sandbox, api, session):
    reader = sandbox.world.person("Ayesha", started=True)
    await api.send(reader, "one")
    async with session.get(f"{sandbox.page_url}/sandbox/stream?since=0") as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        data = b""
        async for line in response.content:
            if line.startswith(b"data: "):
                data = line
                break
    bundle = json.loads(data.removeprefix(b"data: "))
    assert [m["text"] for m in bundle["messages"]] == ["one"]
    assert bundle["chats"][0]["title"] == "Ayesha"


async def test_the_page_loads_nothing_from_elsewhere(sandbox, session):
    for path in FILES:
        async with session.get(sandbox.page_url + path) as response:
            text = await response.text()
            assert response.status == 200
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
        assert "https://" not in text.replace("https?://", "")
        assert "innerHTML" not in text
        assert " style=" not in text
    async with session.get(f"{sandbox.page_url}/static/../server.py") as response:
        assert response.status == 404


async def test_deliveries_come_from_the_application(session):
    async def deliveries():
        row = {"recipient": "G", "channel": "telegram", "state": "read", "detail": ""}
        return {"broadcast": None, "rows": [row], "not_sent": []}

    async with (
        Sandbox(hooks=Hooks(deliveries=deliveries)) as sandbox,
        session.get(f"{sandbox.page_url}/sandbox/deliveries.json") as response,
    ):
        assert (await response.json())["rows"][0]["recipient"] == "G"


async def test_without_an_application_there_are_no_deliveries(control):
    nothing: dict[str, Any] = {"broadcast": None, "rows": [], "not_sent": []}
    assert await control("/sandbox/deliveries.json") == (200, nothing)


async def test_the_log_file_is_whole_at_any_moment(tmp_path, api_of):
    file = tmp_path / "log.jsonl"
    async with Sandbox(log_file=file) as sandbox:
        reader = sandbox.world.person("Ayesha", started=True)
        await api_of(sandbox).send(reader, "x")
        lines = [json.loads(line) for line in file.read_text().splitlines()]

    assert [line["kind"] for line in lines if line["chat"] == str(reader.id)] == [
        "state",
        "visible",
        "call",
    ]


async def test_it_runs_alone(session):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.sandbox",
        "--rate",
        "unlimited",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        settings = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        url = f"{settings['telegram_url']}/bot{settings['bot_token']}/getMe"
        async with session.get(url) as response:
            assert (await response.json())["result"]["username"] == "harkara_demo_bot"
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_two_sandboxes_with_one_seed_are_alike():
    def drawn(seed: int) -> tuple[Any, ...]:
        sandbox = Sandbox(seed=seed)
        person = sandbox.world.person("A", phone="+923001234567")
        return person.id, sandbox.world.group("G").id, sandbox.twilio.network.sid()

    assert drawn(3) == drawn(3) != drawn(4)
