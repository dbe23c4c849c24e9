"""Twilio's own client: the plain one in threads, and the asynchronous one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

# The library ships no types.
from twilio.http.async_http_client import (  # type: ignore[import-untyped]
    AsyncTwilioHttpClient,
)
from twilio.rest import Client  # type: ignore[import-untyped]

from benchmarks.measuring import (
    ACCOUNT,
    FROM,
    PASSWORD,
    TEXT,
    Measured,
    Spec,
    Stopwatch,
    run,
    send_all,
)


async def main(spec: Spec) -> Measured:
    """Send through one client."""
    if spec.options.get("threads"):
        return in_threads(spec)
    async with AsyncTwilioHttpClient() as http:
        client = aimed(Client(ACCOUNT, PASSWORD, http_client=http), spec)

        async def send(chat: int) -> str:
            sent = await client.messages.create_async(**message(chat))
            return str(sent.sid)

        return await send_all(spec, send)


def in_threads(spec: Spec) -> Measured:
    """Send from as many threads as may send at a time."""
    client = aimed(Client(ACCOUNT, PASSWORD), spec)

    def send(chat: int) -> str:
        return str(client.messages.create(**message(chat)).sid)

    watch = Stopwatch()
    with ThreadPoolExecutor(spec.concurrency) as pool:
        sent = sum(1 for sid in pool.map(send, range(1, spec.messages + 1)) if sid)
    measured = watch.stop(sent)
    measured.verified = sent == spec.messages
    return measured


def aimed(client: Client, spec: Spec) -> Client:
    """Aim *client* at our server."""
    client.api.base_url = spec.base
    return client


def message(chat: int) -> dict[str, str]:
    """Return what one message is made of."""
    return {
        "from_": f"whatsapp:{FROM}",
        "to": f"whatsapp:+1555{chat:07}",
        "body": TEXT,
    }


if __name__ == "__main__":
    run(main)
