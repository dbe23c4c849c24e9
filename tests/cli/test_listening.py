"""What is packed is not unpacked before it is known who sent it: over real HTTP."""

from __future__ import annotations

import gzip

import aiohttp
import pytest
from aiohttp import web

from bot.config import Settings
from bot.listening import serve
from handlers.intake import read_body

PACKED = gzip.compress(b"\0" * 1_000_000)


async def told(settings, path):
    """Send what is packed to *path*; return the status and the text."""
    url = f"http://{settings.listen}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=PACKED, headers={"Content-Encoding": "gzip"}) as answer,
    ):
        return answer.status, await answer.text()


@pytest.fixture
async def settings(free_port):
    """Where two routes are served: one that reads as hooks do, one that reads all."""

    async def as_hooks(request):
        return web.Response(body=await read_body(request, largest=2_000_000))

    async def all_there_is(request):
        return web.Response(text=str(len(await request.read())))

    app = web.Application(client_max_size=2_000_000)
    app.add_routes([web.post("/hook", as_hooks), web.post("/all", all_there_is)])
    settings = Settings.model_validate({"listen": f"127.0.0.1:{free_port}"})
    server = await serve(settings, app)
    yield settings
    await server.cleanup()


async def test_what_is_packed_is_refused(settings):
    status, _ = await told(settings, "/hook")
    assert status == 415


async def test_whoever_reads_it_all_the_same_gets_it_packed(settings):
    assert await told(settings, "/all") == (200, str(len(PACKED)))
