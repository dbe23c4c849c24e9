"""A sandbox per test, and small clients that know the wire and nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@dataclass
class Api:
    """Calls a sandbox as an application would."""

    sandbox: Sandbox
    session: aiohttp.ClientSession

    async def telegram(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the whole answer, ``ok`` or not, with its ``http`` status."""
        url = f"{self.sandbox.telegram_url}/bot{self.sandbox.bot_token}/{method}"
        async with self.session.post(url, json=parameters) as response:
            return {"http": response.status, **await response.json()}

    async def send(self, chat: Any, text: str, **more: Any) -> dict[str, Any]:
        number = getattr(chat, "id", chat)
        return await self.telegram("sendMessage", chat_id=number, text=text, **more)

    async def updates(self, offset: int = 0, **more: Any) -> list[dict[str, Any]]:
        answer = await self.telegram("getUpdates", offset=offset, **more)
        assert answer["ok"], answer
        return list(answer["result"])

    async def twilio(
        self,
        path: str = "Messages.json",
        *,
        method: str = "POST",
        auth: str | None = None,
        params: dict[str, str] | None = None,
        **form: Any,
    ) -> dict[str, Any]:
        """Return the answer with its ``http`` status."""
        box = self.sandbox
        secret = auth or f"{box.account_sid}:{box.auth_token}"
        url = (
            f"{box.twilio_url}{path}"
            if path.startswith("/")
            else f"{box.twilio_url}/2010-04-01/Accounts/{box.account_sid}/{path}"
        )
        headers = {
            "Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"
        }
        data = form if method == "POST" else None
        async with self.session.request(
            method, url, data=data, params=params, headers=headers
        ) as response:
            return {"http": response.status, **await response.json()}

    async def whatsapp(self, to: Any, **form: Any) -> dict[str, Any]:
        form.setdefault("From", f"whatsapp:{self.sandbox.whatsapp_number}")
        return await self.twilio(To=getattr(to, "whatsapp", to), **form)


@dataclass
class Hook:
    """Our side of Twilio's and Telegram's calls."""

    url: str = ""
    calls: list[tuple[str, dict[str, str], dict[str, str]]] = field(
        default_factory=list
    )
    json: list[Any] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def statuses(self) -> list[str]:
        return [form["MessageStatus"] for _, form, _ in self.calls]

    async def serve(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            self.json.append(await request.json())
            form: dict[str, str] = {}
        else:
            form = {name: str(value) for name, value in (await request.post()).items()}
        origin = self.url.rpartition("/")[0]
        self.calls.append((f"{origin}{request.path_qs}", form, dict(request.headers)))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate="unlimited", seed=7) as sandbox:
        yield sandbox


@pytest.fixture
def api_of(session: aiohttp.ClientSession) -> Callable[[Sandbox], Api]:
    """For tests that start their own sandbox."""
    return lambda sandbox: Api(sandbox, session)


@pytest.fixture
def api(sandbox: Sandbox, session: aiohttp.ClientSession) -> Api:
    return Api(sandbox, session)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/{rest:.*}", hook.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()


class Stage:
    """A cast, and what the page asks."""

    def __init__(self, sandbox, session):
        self.sandbox = sandbox
        self.session = session
        world = sandbox.world
        self.ayesha = world.person("Ayesha", role="reader")
        self.imran = world.person("Imran", started=True)
        self.gul = world.person("Gul", phone="+923005550101", role="reader")
        self.bilal = world.person("Bilal", role="keeper")
        self.group = world.group("Neighbours", [self.imran], [self.bilal])
        self.channel = world.channel("Headlines", [self.bilal])

    async def visit(self, do, **given):
        url = f"{self.sandbox.page_url}/sandbox/visit"
        given = {k: getattr(v, "id", v) for k, v in given.items()}
        async with self.session.post(url, json={"do": do, **given}) as response:
            return response.status, await response.json()

    async def done(self, do, **given):
        status, answer = await self.visit(do, **given)
        assert status == 200, answer
        assert answer.pop("ok") is True
        return answer

    async def refused(self, do, **given):
        status, answer = await self.visit(do, **given)
        assert status == 400
        return answer["error"]

    async def state(self):
        url = f"{self.sandbox.page_url}/sandbox/state"
        async with self.session.get(url) as response:
            return await response.json()

    async def chat(self, key):
        return next(c for c in (await self.state())["chats"] if c["id"] == str(key))

    def texts(self, where):
        return [m.text for m in self.sandbox.world.messages(where)]


@pytest.fixture
def stage(sandbox, session):
    return Stage(sandbox, session)
