"""Requests by hand over aiohttp's connections: what they are, and when they are not."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.transports.http import MaybeLeft, NeverLeft, open_session
from bot.transports.posting import Poster
from tests.transports.scripted import Answer, Rude, Server, serving, unused_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import aiohttp

OK = Answer(200, b"taken", (("X-Told", "yes"),))
SHORT = timedelta(milliseconds=300)


def poster(session: aiohttp.ClientSession, url: str, **more: timedelta) -> Poster:
    times = {"connect": SHORT, "answer": SHORT, **more}
    return Poster(session, url, {"Content-Type": "text/x-test"}, **times)


@asynccontextmanager
async def opened(server: Server) -> AsyncIterator[Poster]:
    async with open_session() as session:
        yield poster(session, f"{server.url}/some%20where?a=1")


@asynccontextmanager
async def speaking(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Serve each connection by *talk*; its address."""
    talks = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            try:
                await talk(reader, writer)
            finally:
                writer.close()

    listening = await asyncio.start_server(
        lambda *ends: talks.add(asyncio.create_task(one(*ends))), "127.0.0.1", 0
    )
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    finally:
        listening.close()
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await listening.wait_closed()


async def test_a_request_is_what_http_wants() -> None:
    async with serving(OK) as server, opened(server) as posting:
        answer = await posting.post("رات 🌧".encode())

    assert (answer.status, answer.body) == (200, b"taken")
    assert answer.headers["x-told"] == "yes"
    asked = server.asked[0]
    assert (asked.method, asked.target) == ("POST", "/some%20where?a=1")
    assert asked.body == "رات 🌧".encode()
    assert asked.headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "*/*",
        "content-type": "text/x-test",
        "content-length": "11",
    }


async def test_one_connection_carries_many_requests() -> None:
    async with serving(rest=OK) as server, opened(server) as posting:
        for _ in range(5):
            await posting.post(b"x")
        assert server.connections == 1


async def test_an_interim_answer_is_not_the_answer() -> None:
    async def interim(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        writer.write(b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\n")
        writer.write(b"Content-Length: 2\r\n\r\nok")
        await writer.drain()

    async with speaking(interim) as url, open_session() as session:
        answer = await poster(session, url).post(b"")
    assert (answer.status, answer.body) == (200, b"ok")


async def test_what_nobody_asked_for_is_not_taken_for_an_answer() -> None:
    """A server that ends an idle connection may say so on it first."""
    talked = 0

    async def talkative(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        nonlocal talked
        talked += 1
        reply = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % talked
        writer.write(reply)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 408 Late\r\nContent-Length: 4\r\n\r\nlate")
        await writer.drain()
        await asyncio.sleep(5)

    async with speaking(talkative) as url, open_session() as session:
        posting = poster(session, url)
        first = await posting.post(b"")
        await asyncio.sleep(0.15)
        second = await posting.post(b"")
    assert [(each.status, each.body) for each in (first, second)] == [
        (200, b"1"),
        (200, b"2"),
    ]


@pytest.mark.parametrize("rude", list(Rude))
async def test_without_an_answer_it_may_have_left(rude: Rude) -> None:
    async with serving(rude, rest=OK) as server, opened(server) as posting:
        with pytest.raises(MaybeLeft) as caught:
            await posting.post(b"x")
        assert "some" not in repr(caught.value.__context__)
        # And the connection is not used again.
        assert (await posting.post(b"x")).status == 200
        assert server.connections == 2


async def test_without_a_connection_it_never_left() -> None:
    async with open_session() as session:
        for url in (
            f"http://127.0.0.1:{await unused_port()}/",
            "http://no-such-host.invalid/",
        ):
            with pytest.raises(NeverLeft):
                await poster(session, url).post(b"x")
        with pytest.raises(NeverLeft):
            poster(session, "no address")
    with pytest.raises(NeverLeft):
        await poster(session, "http://127.0.0.1/").post(b"x")


async def test_who_waits_for_the_pool_never_left() -> None:
    async with serving(Rude.HANG) as server, open_session(limit=1) as session:
        long = poster(session, server.url, answer=timedelta(seconds=5))
        first = asyncio.create_task(long.post(b"x"))
        await asyncio.sleep(0.1)
        with pytest.raises(NeverLeft):
            await long.post(b"x")
        assert len(server.asked) == 1
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert session.connector is not None
        assert not session.connector._acquired  # the place is free again


async def test_an_answer_that_drips_is_cut_off() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        for _ in range(40):
            writer.write(b"x")
            await asyncio.sleep(0.05)

    async with speaking(drip) as url, open_session() as session:
        async with asyncio.timeout(1.5):
            with pytest.raises(MaybeLeft):
                await poster(session, url).post(b"")


async def test_no_header_ends_its_line() -> None:
    async with open_session() as session:
        with pytest.raises(ValueError, match="header"):
            Poster(
                session,
                "http://127.0.0.1/",
                {"X": "a\r\nY: b"},
                connect=SHORT,
                answer=SHORT,
            )


# --- TLS -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A key and a certificate for 127.0.0.1 that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file: Path = tmp_path_factory.mktemp("tls") / "own.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@asynccontextmanager
async def sealed(certificate: Path) -> AsyncIterator[tuple[Server, str]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = Server(rest=OK)
    listening = await asyncio.start_server(
        server.connected, "127.0.0.1", 0, ssl=context
    )
    try:
        yield server, f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    finally:
        listening.close()
        await server.end()
        await listening.wait_closed()


async def test_over_tls(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with (
        sealed(certificate) as (server, url),
        open_session(ssl=trusting) as session,
    ):
        posting = poster(session, url, connect=timedelta(seconds=5))
        for _ in range(3):
            assert (await posting.post(b"x")).body == b"taken"
        assert server.connections == 1


async def test_who_cannot_be_trusted_is_told_nothing(certificate: Path) -> None:
    async with sealed(certificate) as (server, url), open_session() as session:
        with pytest.raises(NeverLeft):
            await poster(session, url, connect=timedelta(seconds=5)).post(b"x")
        assert server.asked == []
