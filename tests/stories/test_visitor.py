"""A visitor of the demo broadcasts, kills the application, and looks on."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.cli.demo import CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

LONGEST = 120  # seconds
ARRIVED = {"accepted", "delivered", "read"}


class Visitor:
    """Does over HTTP what the page does."""

    def __init__(self, session: aiohttp.ClientSession, page: str) -> None:
        self.session = session
        self.page = page

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.page}/sandbox/{path}") as answer:
            assert answer.status == 200
            return await answer.json()

    async def does(self, do: str, **given: Any) -> dict[str, Any]:
        url = f"{self.page}/sandbox/visit"
        async with self.session.post(url, json={"do": do, **given}) as answer:
            result = await answer.json()
            assert answer.status == 200, result
            return dict(result)

    async def until(self, path: str, question: Callable[[Any], Any]) -> Any:
        """Look at *path* until *question* has an answer; return the answer."""
        async with asyncio.timeout(LONGEST):
            while True:
                found = question(await self.get(path))
                if found:
                    return found
                await asyncio.sleep(0.05)

    async def person(self, name: str) -> dict[str, Any]:
        people = (await self.get("state"))["people"]
        return next(dict(each) for each in people if each["name"].startswith(name))


@asynccontextmanager
async def visiting(
    folder: Path,
) -> AsyncIterator[tuple[Visitor, asyncio.subprocess.Process]]:
    """Start the demo as somebody would, and let a visitor in."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bot.cli import main; main()",
        "demo",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "PYTHONUNBUFFERED": "1",
        },
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(LONGEST):
            page = None
            while page is None:
                line = await process.stdout.readline()
                page = re.search(rb"http://127\.0\.0\.1:\d+", line)
        async with aiohttp.ClientSession() as session:
            visitor = Visitor(session, page[0].decode())
            await visitor.until("state", lambda state: not state["closed"])
            yield visitor, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def offer(state: dict[str, Any], editor: dict[str, Any], sent: set[str]) -> Any:
    """Return the newest question with buttons that was not there before."""
    chat = next(each for each in state["chats"] if each["id"] == editor["chat"])
    return next(
        (
            message
            for message in reversed(chat["messages"])
            if message["buttons"] and message["id"] not in sent
        ),
        None,
    )


async def broadcast(visitor: Visitor, editor: dict[str, Any]) -> None:
    """Publish a story, ask for it to be sent, and confirm."""
    where = {"person": editor["id"], "chat": editor["chat"]}
    before = await visitor.get(f"messages?chat={editor['chat']}")
    known = {message["id"] for message in before}
    await visitor.does("publish")
    await visitor.does("write", text="/broadcast", **where)
    question = await visitor.until("state", lambda s: offer(s, editor, known))
    data = question["buttons"][0][0]["data"]
    await visitor.does("press", message=question["id"], data=data, **where)


async def everything_is_offered(visitor: Visitor) -> None:
    state = await visitor.get("state")
    assert state["can"] == ["kill", "publish"]
    assert [link["kind"] for link in state["links"]] == ["start", "startgroup", "wa"]
    roles = Counter(person["role"] for person in state["people"])
    assert roles == {"reader": 10, "keeper": 3, "editor": 1}
    assert state["application"]["state"] == "up"
    kinds = {chat["title"]: chat["kind"] for chat in state["chats"]}
    assert kinds["Zoya"] == "private"
    assert kinds["Kabir"] == "whatsapp"
    assert kinds["College Road Residents"] == "group"


async def test_a_broadcast_is_killed_in_the_middle_and_nobody_gets_it_twice(
    tmp_path: Path,
):
    async with visiting(tmp_path) as (visitor, process):
        await everything_is_offered(visitor)
        meera = await visitor.person("Meera")
        start = len(await lines(visitor))
        await visitor.does("switch", what="slow", on=True)
        await broadcast(visitor, meera)

        def some_but_not_all(strip: dict[str, Any]) -> bool:
            states = Counter(row["state"] for row in strip["rows"])
            ahead = states["queued"] + states["leased"]  # neither has been called
            return bool(strip["broadcast"]["id"] == 2 and states["sending"] and ahead)

        await visitor.until("deliveries.json", some_but_not_all)
        await visitor.does("kill")
        await visitor.does("switch", what="slow", on=False)
        life = await visitor.until(
            "state",
            lambda state: state["application"]["recovered_in"] and state["application"],
        )
        assert (life["state"], life["starts"]) == ("up", 2)
        assert 0 < life["doubtful"] <= 2 * CONCURRENCY

        over = {*ARRIVED, "doubtful", "failed", "skipped", "suspended"}
        strip = await visitor.until(
            "deliveries.json",
            lambda strip: all(r["state"] in over for r in strip["rows"]) and strip,
        )
        assert "cold store" in strip["broadcast"]["title"]
        doubtful = Counter(
            row["channel"] for row in strip["rows"] if row["state"] == "doubtful"
        )
        assert all(number <= CONCURRENCY for number in doubtful.values()), doubtful
        assert any(row["state"] in ARRIVED for row in strip["rows"])
        why = {each["recipient"]: each["why"] for each in strip["not_sent"]}
        assert "STOP" in why["Yusuf"]
        assert "blocked" in why["Imran"]
        assert "may not write" in why["Old City Notices"]

        copies = Counter(
            line["chat"]
            for line in (await lines(visitor))[start:]
            if line["outgoing"]
            and "Shopian" in line["text"]
            and line["chat"] != meera["chat"]
        )
        assert copies, "it arrived somewhere"
        assert set(copies.values()) == {1}, copies

        # It answers again, and a second story goes out whole.
        zoya = await visitor.person("Zoya")
        link = (await visitor.get("state"))["links"][0]
        await visitor.does("follow", person=zoya["id"], url=link["url"])
        await visitor.until("state", lambda s: offer_of_news(s, zoya))
        await broadcast(visitor, meera)
        finished = await visitor.until(
            "deliveries.json",
            lambda strip: (
                strip["broadcast"]["id"] == 3
                and all(r["state"] in over for r in strip["rows"])
                and strip
            ),
        )
        rows = {row["recipient"]: row["state"] for row in finished["rows"]}
        assert rows["Zoya"] in ARRIVED
        assert "doubtful" not in rows.values()

        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), LONGEST) == 0
    left = await asyncio.to_thread(os.listdir, tmp_path)
    assert left == [], "nothing of it stays"


def offer_of_news(state: dict[str, Any], person: dict[str, Any]) -> bool:
    """Whether the application has answered *person*."""
    chat = next((c for c in state["chats"] if c["id"] == person["chat"]), None)
    return bool(chat and any(m["outgoing"] for m in chat["messages"]))


async def lines(visitor: Visitor) -> list[dict[str, Any]]:
    """Return every message that became visible to anybody."""
    return list(await visitor.get("changes?kind=visible&timeout=0.1"))
