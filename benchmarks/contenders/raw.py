"""aiohttp itself: orjson, uvloop, no ledger, no objects. The ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import orjson

from benchmarks.measuring import (
    ACCOUNT,
    FROM,
    PASSWORD,
    TEXT,
    TOKEN,
    Measured,
    Spec,
    run,
    send_all,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def main(spec: Spec) -> Measured:
    """Send through one session."""
    connector = aiohttp.TCPConnector(limit=spec.concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        sends = {"telegram": telegram, "whatsapp": twilio}
        return await send_all(spec, sends[spec.options["provider"]](spec, session))


def telegram(
    spec: Spec, session: aiohttp.ClientSession
) -> Callable[[int], Awaitable[object]]:
    """Return how one Telegram message is sent."""
    url = f"{spec.base}/bot{TOKEN}/sendMessage"
    headers = {"Content-Type": "application/json"}

    async def send(chat: int) -> int:
        body = orjson.dumps({"chat_id": chat, "text": TEXT, "parse_mode": "HTML"})
        async with session.post(url, data=body, headers=headers) as response:
            answer = orjson.loads(await response.read())
            return int(answer["result"]["message_id"])

    return send


def twilio(
    spec: Spec, session: aiohttp.ClientSession
) -> Callable[[int], Awaitable[object]]:
    """Return how one WhatsApp message is sent."""
    url = f"{spec.base}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, PASSWORD)}

    async def send(chat: int) -> str:
        form = {
            "From": f"whatsapp:{FROM}",
            "To": f"whatsapp:+1555{chat:07}",
            "Body": TEXT,
        }
        async with session.post(url, data=form, headers=headers) as response:
            answer = orjson.loads(await response.read())
            return str(answer["sid"])

    return send


if __name__ == "__main__":
    run(main, uvloop=True)
