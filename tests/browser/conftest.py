"""A real browser before the real page; only the application's side is set by hand."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from axe_playwright_python.async_playwright import (  # type: ignore[import-untyped]  # it ships none
    Axe,
)
from playwright.async_api import async_playwright

from bot.sandbox import Sandbox
from bot.sandbox.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from playwright.async_api import Browser, ConsoleMessage, Page

    from bot.sandbox import Chat, Person

URDU = "سرینگر کی لائبریری اب رات دس بجے تک کھلی رہے گی"
SIZES = {1280: 900, 390: 844}
DESKTOP = 1280
PATIENCE = 10_000  # milliseconds


def chromium() -> str:
    """Return where Debian's chromium is, or end the test with what is missing."""
    named = os.environ.get("HARKARA_CHROMIUM", "chromium")
    found = shutil.which(named) or shutil.which("/usr/bin/chromium")
    if found is None:
        reason = f"no browser {named!r}: apt-get install chromium, or HARKARA_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    # Chromium's own sandbox needs what a container's root does not have.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        await browser.close()


@dataclass
class Tab:
    """One page, and what went wrong on it: script errors and broken policies."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(message.text)

    async def violations(self) -> list[str]:
        """Return what axe-core has against the page as it is now."""
        found = await Axe().run(self.page)
        return [
            f"{each['id']}: {each['help']}: {node['target']} {node['failureSummary']}"
            for each in found.response["violations"]
            for node in each["nodes"]
        ]

    def phone(self, title: str, channel: str = "telegram") -> Any:
        """Return the phone with *title* at its head."""
        head = self.page.locator("h3", has_text=title)
        return self.page.locator(f"article.phone.{channel}", has=head).first


@pytest.fixture
def open_page(browser: Browser) -> Callable[..., Any]:
    """Open an address at a width and in a colour scheme, and watch it."""

    @asynccontextmanager
    async def opened(
        url: str, *, width: int = DESKTOP, scheme: Any = "light", **more: Any
    ) -> AsyncIterator[Tab]:
        context = await browser.new_context(
            viewport={"width": width, "height": SIZES[width]},
            color_scheme=scheme,
            **more,
        )
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        tab = Tab(page)
        page.on("console", tab.hear)
        page.on("pageerror", lambda error: tab.wrong.append(str(error)))
        await page.goto(url)
        await page.locator("#link[data-state=live]").wait_for()
        yield tab
        await context.close()
        assert tab.wrong == []

    return opened


@dataclass
class Scene:
    """A sandbox with people in every kind of chat, and an application by hand."""

    sandbox: Sandbox
    editor: Person
    reader: Person
    newcomer: Person
    phone: Person
    group: Chat
    urdu: str = URDU
    asked: list[str] = field(default_factory=list)
    application: dict[str, Any] = field(
        default_factory=lambda: {"state": "up", "starts": 1}
    )
    deliveries: dict[str, Any] = field(
        default_factory=lambda: {"broadcast": None, "rows": [], "not_sent": []}
    )

    @property
    def url(self) -> str:
        return self.sandbox.page_url

    def say(self, chat: Chat | Person, text: str, **more: Any) -> Any:
        """Let the bot write *text* on Telegram."""
        where = self.sandbox.world.chat(chat)
        return self.sandbox.world.post(where, sender=None, text=text, **more)

    async def telegram(self, method: str, **parameters: Any) -> None:
        """Let the bot call *method*, as the application would."""
        url = f"{self.sandbox.telegram_url}/bot{self.sandbox.bot_token}/{method}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=parameters) as answer,
        ):
            assert answer.status == 200, await answer.text()

    def become(self, **application: Any) -> None:
        """Let the application's process be what is said."""
        self.application |= application
        self.sandbox.log.add("application", None)

    def broadcast(self, *states: str) -> None:
        """Show a broadcast with a delivery in each of *states*."""
        chats = [chat for chat in self.sandbox.world.chats.values() if chat.title]
        rows = []
        for number, state in enumerate(states):
            chat = chats[number % len(chats)]
            channel = "whatsapp" if chat.kind == "whatsapp" else "telegram"
            words = f"it is {state}"
            who = {"recipient": chat.title, "channel": channel, "chat": str(chat.id)}
            rows.append({**who, "state": state, "words": words, "detail": ""})
        self.deliveries = {
            "broadcast": {"id": 1, "title": "The pass is open", "state": "running"},
            "rows": rows,
            "not_sent": [
                {"recipient": "Nadia", "channel": "whatsapp", "why": "she wrote STOP"}
            ],
        }


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    hooks = Hooks()
    async with Sandbox(rate="unlimited", seed=11, hooks=hooks) as sandbox:
        world = sandbox.world
        editor = world.person("Meera, editor", language="en", role="editor")
        keeper = world.person("Bilal", language="en", role="keeper")
        reader = world.person("Imran", language="ur", role="reader")
        newcomer = world.person("Haris", language="ur", role="reader")
        phone = world.person("Gul", language="en", phone="+923005550101", role="reader")
        group = world.group("Srinagar Neighbours", [reader], [keeper])
        channel = world.channel("Headlines", [keeper])
        scene = Scene(sandbox, editor, reader, newcomer, phone, group)
        token = "7f3a"
        start = f"https://t.me/{sandbox.bot_username}?start={token}"
        number = sandbox.whatsapp_number.lstrip("+")
        hooks.links += [
            {"label": "Readers on Telegram", "url": start, "kind": "start"},
            {
                "label": "Groups on Telegram",
                "url": start.replace("start=", "startgroup="),
                "kind": "startgroup",
            },
            {
                "label": "Readers on WhatsApp",
                "url": f"https://wa.me/{number}?text=JOIN%20ABCD",
                "kind": "wa",
            },
        ]
        hooks.application = lambda: scene.application
        hooks.deliveries = lambda: _told(scene)
        hooks.kill = lambda: _asked(scene, "kill")
        hooks.publish = lambda: _published(scene)
        for person in (editor, reader):
            await world.open_start(person)
        await world.add_bot(keeper, group)
        await world.promote_bot(keeper, channel)
        scene.say(reader, URDU)
        url = "https://kashmirwatch.example/pass"
        link = {"type": "url", "offset": 0, "length": len(url)}
        scene.say(group, f"{url} The pass is open.", entities=(link,))
        scene.say(channel, "The pass is open.")
        scene.say(
            editor,
            "Nothing is sent before you confirm.",
            reply_markup={
                "inline_keyboard": [
                    [
                        {"text": "Confirm", "callback_data": "yes"},
                        {"text": "Cancel", "callback_data": "no"},
                    ]
                ]
            },
        )
        await world.whatsapp(phone, "hello")
        yield scene


async def _told(scene: Scene) -> dict[str, Any]:
    return scene.deliveries


async def _asked(scene: Scene, what: str) -> None:
    scene.asked.append(what)


async def _published(scene: Scene) -> dict[str, Any]:
    await _asked(scene, "publish")
    return {"title": "The next one"}


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait until a question about the sandbox is answered with yes."""

    async def waited(question: Callable[[], bool], what: str) -> None:
        async with asyncio.timeout(PATIENCE / 1000):
            while not question():
                await asyncio.sleep(0.02)
        assert question(), what

    return waited
