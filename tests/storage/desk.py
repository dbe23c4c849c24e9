"""Short words for what most tests of the storage need first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.domain.articles import Draft
from bot.domain.broadcasts import Broadcast, BroadcastId, BroadcastState, Lane
from bot.domain.deliveries import Attempt, Delivery
from bot.domain.digests import Digest, Story
from bot.domain.messages import Text
from bot.domain.recipients import (
    Address,
    Audience,
    Channel,
    Consent,
    Kind,
    Recipient,
    SenderId,
    Standing,
)
from bot.ports import Lease
from storage import SqliteDatabase
from storage.server import PostgresDatabase
from storage.tables import enrolments, recipients
from tests import hot

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Desk:
    """Short words for what most tests need first."""

    now = NOW

    def __init__(self, database: SqliteDatabase | PostgresDatabase) -> None:
        self.database = database
        self.people = 0

    async def sender(self, channel: Channel = Channel.TELEGRAM) -> SenderId:
        async with self.database.transaction() as tx:
            return (await tx.senders.ensure(channel, "desk", now=NOW)).id

    async def owner(self, channel: Channel = Channel.TELEGRAM) -> tuple[SenderId, int]:
        """A sender taken over, and its epoch."""
        sender = await self.sender(channel)
        async with self.database.transaction() as tx:
            taken = await tx.senders.take(sender)
        return sender, taken.sender.epoch

    async def audience(self, name: str = "all") -> Audience:
        async with self.database.transaction() as tx:
            return await tx.audiences.create(name, title=name.title(), language="ur")

    async def recipient(
        self,
        *audiences: Audience,
        value: str = "",
        channel: Channel = Channel.TELEGRAM,
        kind: Kind = Kind.READER,
    ) -> Recipient:
        self.people += 1
        address = Address(channel, value or str(1000 + self.people))
        async with self.database.transaction() as tx:
            made = await tx.recipients.ensure(address, kind, now=NOW)
            for audience in audiences:
                await tx.audiences.enrol(
                    audience.id, made.id, link=None, consent=CONSENT, now=NOW
                )
        return made

    async def crowd(self, audience: Audience, size: int) -> None:
        """Enrol many at once, past the port."""
        numbers = range(10_000, 10_000 + size)
        async with self.database.transaction() as tx:
            connection = tx.recipients._connection
            await connection.run(
                recipients.insert(),
                [
                    {
                        "id": number,
                        "channel": Channel.TELEGRAM,
                        "value": str(number),
                        "thread": 0,
                        "kind": Kind.READER,
                        "title": "",
                        "language": "",
                        "standing": Standing.ACTIVE,
                        "standing_reason": "",
                        "strikes": 0,
                        "created_at": NOW,
                    }
                    for number in numbers
                ],
            )
            await connection.run(
                enrolments.insert(),
                [
                    {
                        "audience_id": audience.id,
                        "recipient_id": number,
                        "began_at": NOW,
                        "end_reason": "",
                    }
                    for number in numbers
                ],
            )

    async def broadcast(
        self,
        *audiences: Audience,
        parts: int = 1,
        lane: Lane = Lane.REGULAR,
        state: BroadcastState = BroadcastState.RUNNING,
        expires_in: timedelta = timedelta(hours=6),
        confirmed_at: datetime = NOW,
    ) -> Broadcast:
        """A broadcast to *audiences* on Telegram, planned and under way."""
        async with self.database.transaction() as tx:
            sender = await tx.senders.ensure(Channel.TELEGRAM, "desk", now=NOW)
            digest = await tx.broadcasts.add_digest(DIGEST, [], now=NOW)
            made = await tx.broadcasts.add(
                Broadcast(
                    id=BroadcastId(0),
                    digest=digest,
                    lane=lane,
                    state=state,
                    planned_by="editor:1",
                    planned_at=NOW,
                    expires_at=NOW + expires_in,
                    confirmed_at=confirmed_at,
                ),
                [each.id for each in audiences],
            )
            await tx.deliveries.plan(
                made.id,
                parts={(each.id, Channel.TELEGRAM): parts for each in audiences},
                senders={Channel.TELEGRAM: sender.id},
                now=NOW,
            )
        return made

    async def claim(
        self, sender: SenderId, epoch: int, *, now: datetime = NOW, limit: int = 100
    ) -> list[Lease]:
        hand = await hot.claim(self.database, sender, epoch, now=now, limit=limit)
        return hand.leases

    async def mark(self, *leases: Lease, epoch: int) -> list[Attempt]:
        """Mark *leases* as being sent; return the attempts."""
        sender = await self.sender()
        found = await hot.mark(self.database, sender, epoch, now=NOW, leases=leases)
        return [attempt_of(lease) for lease in leases if lease.id in found.calls]

    async def delivery(self, lease: Lease) -> Delivery:
        """The delivery in hand, as it stands."""
        async with self.database.transaction() as tx:
            loaded = await tx.deliveries.load([lease.id])
        return loaded[lease.id][0]


def attempt_of(lease: Lease) -> Attempt:
    return hot.attempt_of(lease, now=NOW)


CONSENT = Consent(source="join link", agreed_by="telegram:7", evidence="/start")
DIGEST = Digest(stories=(Story(headline="سرخی", sentences=("پہلا جملہ۔",)),))
DRAFT = Draft(text="A paragraph.", headline="A headline", link="https://example.org/1")
MESSAGE = Text(text="<b>خبر</b>", markup="HTML", length=3, limit=4096)
