"""What surely never left, what may have, and connections that had gone stale."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import aiohttp
import pytest

from bot.domain.errors import Doubtful, TryLater
from bot.transports.http import MaybeLeft, NeverLeft, Patience, lost, open_session
from bot.transports.telegram import TelegramMessenger
from tests.transports.scripted import Answer, Rude, serving, unused_port
from tests.transports.stands import CHAT, TEXT, telegram

if TYPE_CHECKING:
    from collections.abc import Sequence

OK = Answer.json({"ok": True, "result": {"message_id": 41}})


async def failure_of(url: str, patience: Patience) -> NeverLeft | MaybeLeft:
    async with open_session(patience=patience) as session:
        with pytest.raises((aiohttp.ClientError, TimeoutError)) as caught:
            async with session.post(url, data={"a": "b"}):
                pass
    return lost(caught.value)


SHORT = Patience(
    connect=timedelta(milliseconds=200),
    read=timedelta(milliseconds=200),
    total=timedelta(seconds=1),
)


async def test_a_refused_connection_never_left() -> None:
    port = await unused_port()
    failure = await failure_of(f"http://127.0.0.1:{port}", SHORT)
    assert isinstance(failure, NeverLeft)


async def test_an_unknown_name_never_left() -> None:
    patience = Patience(connect=timedelta(seconds=2), total=timedelta(seconds=9))
    failure = await failure_of("http://no-such-host.invalid", patience)
    assert isinstance(failure, NeverLeft)


async def test_a_connection_that_takes_too_long_never_left() -> None:
    """The server takes the socket and never answers the TLS greeting."""
    talks: list[asyncio.Task[None] | None] = []

    async def silent(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        talks.append(asyncio.current_task())
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        failure = await failure_of(f"https://127.0.0.1:{port}", SHORT)
        assert talks
        await asyncio.wait([task for task in talks if task])
    assert isinstance(failure, NeverLeft)


async def test_a_failed_greeting_never_left() -> None:
    async with serving() as server:
        failure = await failure_of(f"https://127.0.0.1:{server.port}", SHORT)
    assert isinstance(failure, NeverLeft)


def test_a_bad_certificate_never_left() -> None:
    assert issubclass(
        aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorError
    ) or issubclass(aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError)
    assert issubclass(aiohttp.ClientSSLError, aiohttp.ClientConnectorError)


async def test_a_session_takes_nothing_from_the_environment() -> None:
    async with open_session() as session:
        assert not session.trust_env
        assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)


#: Everything that aiohttp can raise from a call, and whether it proves "not sent".
NOT_SENT = {
    "ClientConnectorError",
    "ClientConnectorCertificateError",
    "ClientConnectorDNSError",
    "ClientConnectorSSLError",
    "ClientProxyConnectionError",
    "ClientSSLError",
    "ConnectionTimeoutError",
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
    "UnixClientConnectorError",
}


def test_every_error_of_the_client_has_been_thought_about() -> None:
    """Anything new counts as doubt, and shows up here."""
    errors = {
        name: each
        for name in aiohttp.client_exceptions.__dict__
        if isinstance(each := getattr(aiohttp.client_exceptions, name), type)
        and issubclass(each, aiohttp.ClientError)
    }
    judged = {
        name
        for name, each in errors.items()
        if isinstance(lost(each.__new__(each)), NeverLeft)
    }
    assert judged == NOT_SENT


# --- kept-alive connections ------------------------------------------------------


async def send_with_pauses(
    messenger: TelegramMessenger, pauses: Sequence[float]
) -> int:
    for pause in pauses:
        await messenger.send(CHAT, TEXT, None)
        await asyncio.sleep(pause)
    return len(pauses)


async def test_connections_dropped_sooner_than_theirs_are_never_in_doubt() -> None:
    """Fifty sends; the server closes after 1 s of silence, and we after 0.5 s."""
    around = [0.0, 0.2, 0.45, 0.55, 0.9, 0.99, 1.0, 1.01, 1.1]
    plans = [[*pair, *pair[::-1], 0.0] for pair in pairwise([*around, 0.7, 0.3])]
    async with serving(rest=OK, idle=1.0) as server:

        async def one(plan: Sequence[float]) -> int:
            async with telegram(server, keep_alive=timedelta(seconds=0.5)) as bot:
                return await send_with_pauses(TelegramMessenger(bot), plan)

        sent = await asyncio.gather(*(one(plan) for plan in plans))
    assert sum(sent) == 50
    assert len(server.asked) == 50
    assert server.connections < 50


async def test_connections_kept_longer_than_theirs_are_doubt_and_never_repeated() -> (
    None
):
    """What is answered and what is in doubt make up all that was sent."""
    in_doubt = 0
    async with serving(rest=OK, idle=0.5) as server:

        async def one(pauses: Sequence[float]) -> None:
            nonlocal in_doubt
            async with telegram(server, keep_alive=timedelta(seconds=30)) as bot:
                for pause in pauses:
                    try:
                        await send_with_pauses(TelegramMessenger(bot), [pause])
                    except Doubtful:
                        in_doubt += 1

        around = [0.499, 0.5, 0.501, 0.502, 0.0]
        await asyncio.gather(*(one(around) for _ in range(10)))
    assert len(server.asked) + in_doubt == 50


async def test_a_stale_connection_is_doubt_and_not_a_second_request() -> None:
    """Ours outlives theirs: the server closes as the request arrives."""
    async with serving(OK, Rude.CUT, rest=OK) as server:
        async with telegram(server, keep_alive=timedelta(seconds=30)) as bot:
            messenger = TelegramMessenger(bot)
            await messenger.send(CHAT, TEXT, None)
            with pytest.raises(Doubtful):
                await messenger.send(CHAT, TEXT, None)
        assert server.connections == 1
        assert len(server.asked) == 2


async def test_no_place_in_the_pool_never_left() -> None:
    async with (
        serving(OK, Rude.HANG) as server,
        telegram(
            server,
            pool_size=1,
            connect=timedelta(milliseconds=50),
            read=timedelta(seconds=1),
        ) as bot,
    ):
        messenger = TelegramMessenger(bot)
        await messenger.send(CHAT, TEXT, None)
        first = asyncio.create_task(messenger.send(CHAT, TEXT, None))
        await asyncio.sleep(0.1)
        with pytest.raises(TryLater):
            await messenger.send(CHAT, TEXT, None)
        assert len(server.asked) == 2
        with pytest.raises(Doubtful):
            await first


async def test_places_in_the_pool_are_given_back() -> None:
    async with (
        serving(Rude.CUT, Rude.HANG, rest=OK) as server,
        telegram(server, pool_size=1) as bot,
    ):
        messenger = TelegramMessenger(bot)
        for _ in range(2):
            with pytest.raises(Doubtful):
                await messenger.send(CHAT, TEXT, None)
        assert await messenger.send(CHAT, TEXT, None) == "41"


async def test_a_closed_session_never_left() -> None:
    async with serving(rest=OK) as server:
        async with telegram(server) as bot:
            messenger = TelegramMessenger(bot)
        with pytest.raises(TryLater):
            await messenger.send(CHAT, TEXT, None)
        assert server.asked == []
