"""Audiences, enrolments, join links and editors."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from bot.domain.deliveries import State
from bot.domain.errors import Refusal, Unknown
from bot.domain.joinlinks import JoinLink, JoinLinkId
from bot.domain.recipients import AudienceId, Kind
from bot.ports import Transaction
from storage.tables import consents, enrolments
from tests.storage.desk import CONSENT, NOW, SECOND


async def test_audiences_by_name_and_number(desk):
    women, all_of = await desk.audience("women"), await desk.audience("all")
    async with desk.database.transaction() as tx:
        assert await tx.audiences.by_name("women") == women
        assert await tx.audiences.get(all_of.id) == all_of
        assert await tx.audiences.all() == [all_of, women]
        for asking in (tx.audiences.by_name("men"), tx.audiences.get(AudienceId(99))):
            with pytest.raises(Unknown, match="audience list"):
                await asking
        with pytest.raises(Refusal, match="already"):
            await tx.audiences.create("all", title="", language="")


async def test_every_consent_and_every_stay_is_kept(desk):
    audience = await desk.audience()
    someone = await desk.recipient()

    async def enrol(tx: Transaction) -> bool:
        return await tx.audiences.enrol(
            audience.id, someone.id, link=None, consent=CONSENT, now=NOW
        )

    async with desk.database.transaction() as tx:
        new = [await enrol(tx), await enrol(tx)]
        left = await tx.audiences.unenrol(someone.id, reason="left", now=NOW)
        nothing = await tx.audiences.unenrol(someone.id, reason="left", now=NOW)
        assert await tx.audiences.of(someone.id) == []
        new.append(await enrol(tx))
        assert await tx.audiences.members(audience.id) == [someone]
        connection = tx.audiences._connection
        kept = [
            await connection.value(select(func.count()).select_from(table))
            for table in (consents, enrolments)
        ]

    assert new == [True, False, True]
    assert (left, nothing) == ([audience], [])
    assert kept == [3, 2]


async def test_who_departed_is_named_with_the_reason_until_they_are_back(desk):
    audience, other = await desk.audience("one"), await desk.audience("two")
    someone, stays, first = [await desk.recipient() for _ in range(3)]

    async with desk.database.transaction() as tx:
        for who in (someone, stays, first):
            await tx.audiences.enrol(
                audience.id, who.id, link=None, consent=CONSENT, now=NOW
            )
        await tx.audiences.unenrol(first.id, reason="asked to", now=NOW)
        await tx.audiences.unenrol(someone.id, reason="blocked", now=NOW + SECOND)
        assert await tx.audiences.departed(audience.id, limit=9) == [
            (someone, "blocked"),
            (first, "asked to"),
        ]
        assert await tx.audiences.departed(audience.id, limit=1) == [
            (someone, "blocked")
        ]
        assert await tx.audiences.departed(other.id, limit=9) == []
        await tx.audiences.enrol(
            audience.id, someone.id, link=None, consent=CONSENT, now=NOW
        )
        assert await tx.audiences.departed(audience.id, limit=9) == [
            (first, "asked to")
        ]


async def test_where_somebody_was_at_a_moment(desk):
    one, two = await desk.audience("one"), await desk.audience("two")
    someone = await desk.recipient()
    async with desk.database.transaction() as tx:
        for audience, began in ((one, NOW), (two, NOW + SECOND)):
            await tx.audiences.enrol(
                audience.id, someone.id, link=None, consent=CONSENT, now=began
            )
        assert await tx.audiences.of(someone.id, before=NOW) == []
        assert await tx.audiences.of(someone.id, before=NOW + SECOND) == [one]
        assert await tx.audiences.of(someone.id) == [one, two]


async def test_who_agrees_anew_was_there_by_their_own_wish(desk):
    one, two = await desk.audience("one"), await desk.audience("two")
    someone = await desk.recipient()
    async with desk.database.transaction() as tx:
        for audience in (one, two):
            await tx.audiences.enrol(
                audience.id, someone.id, link=None, consent=CONSENT, now=NOW
            )
        await tx.audiences.enrol(
            one.id, someone.id, link=None, consent=CONSENT, now=NOW + 9 * SECOND
        )
        for moment in (SECOND, 9 * SECOND):
            assert await tx.audiences.of(someone.id, before=NOW + moment) == [two]
        assert await tx.audiences.of(someone.id, before=NOW + 10 * SECOND) == [one, two]


async def test_of_many_consents_by_one_link_the_first_and_the_last_are_kept(desk):
    one = await desk.audience("one")
    someone = await desk.recipient()
    async with desk.database.transaction() as tx:
        link = await tx.links.add(
            JoinLink(
                id=JoinLinkId(0),
                audience=one.id,
                kind=Kind.READER,
                token="token",
                code="CODE",
                created_at=NOW,
            )
        )
        for by, seconds in ((link.id, 0), (None, 1), (link.id, 3), (None, 4)):
            for more in (0, 5, 2):
                await tx.audiences.enrol(
                    one.id,
                    someone.id,
                    link=by,
                    consent=CONSENT,
                    now=NOW + (seconds + more) * SECOND,
                )
        kept = await tx.audiences._connection.rows(
            select(consents.c.link_id, consents.c.given_at).order_by(
                consents.c.given_at
            )
        )
        moments = [(each.given_at - NOW) / SECOND for each in kept if each.link_id]
    assert moments == [0, 5, 8], "what began it, the last, and what came late"
    assert len([each for each in kept if each.link_id is None]) == 6


async def test_leaving_one_audience_skips_what_was_for_it(desk):
    one, two = await desk.audience("one"), await desk.audience("two")
    someone = await desk.recipient(one, two)
    sender, epoch = await desk.owner()
    for_one, for_two = await desk.broadcast(one, two), await desk.broadcast(two)
    leases = await desk.claim(sender, epoch)
    async with desk.database.transaction() as tx:
        left = await tx.audiences.unenrol(
            someone.id, audience=one.id, reason="stop", now=NOW
        )
        rows = [
            (await tx.deliveries.report(each.id))[0].delivery
            for each in (for_one, for_two)
        ]
        assert await tx.audiences.of(someone.id) == [two]

    assert left == [one]
    assert [row.state for row in rows] == [State.SKIPPED, State.QUEUED]
    assert rows[0].reason == "stop"
    assert await desk.mark(*leases, epoch=epoch) == [], "in hand, and too late"


async def test_join_links_come_back_as_they_were(desk):
    audience = await desk.audience()
    link = JoinLink(
        id=JoinLinkId(0),
        audience=audience.id,
        kind=Kind.READER,
        token="t" * 43,
        code="ABCD2345",
        label="poster",
        max_uses=2,
        expires_at=NOW + SECOND,
        created_at=NOW,
    )
    async with desk.database.transaction() as tx:
        stored = await tx.links.add(link)
        other = await tx.links.add(
            replace(link, token="u", code="ABCD2346", max_uses=None, expires_at=None)
        )
        assert stored == replace(link, id=stored.id)
        assert await tx.links.by_token(link.token) == stored
        assert await tx.links.by_code(other.code) == other
        assert await tx.links.by_token("x") is None
        assert await tx.links.by_code("x") is None
        await tx.links.count_use(stored.id)
        await tx.links.revoke(stored.id, now=NOW)
        await tx.links.revoke(stored.id, now=NOW + SECOND)
        assert await tx.links.get(stored.id) == replace(stored, uses=1, revoked_at=NOW)
        assert [each.id for each in await tx.links.all()] == [other.id, stored.id]
        with pytest.raises(Unknown, match="link list"):
            await tx.links.get(JoinLinkId(99))


async def test_an_invitation_is_used_once_and_in_time(desk):
    async with desk.database.transaction() as tx:
        await tx.editors.add_invitation("one", name="Asma", expires_at=NOW + SECOND)
        await tx.editors.add_invitation("two", name="Ravi", expires_at=NOW)
        used = [
            await tx.editors.use_invitation(each, now=NOW)
            for each in ("one", "one", "two", "three")
        ]

    assert used == ["Asma", None, None, None]


async def test_editors_are_known_by_where_they_write_from(desk):
    someone, reader = await desk.recipient(), await desk.recipient()
    async with desk.database.transaction() as tx:
        await tx.recipients.ensure(someone.address, Kind.READER, language="ur", now=NOW)
        await tx.editors.add(someone.id, name="Asma", now=NOW)
        await tx.editors.add(someone.id, name="Other", now=NOW + SECOND)
        editor = await tx.editors.find(someone.address)
        assert await tx.editors.all() == [editor]
        assert await tx.editors.find(reader.address) is None
        assert await tx.editors.find(replace(reader.address, value="0")) is None

    assert editor is not None
    assert (editor.recipient, editor.name, editor.language, editor.since) == (
        someone.id,
        "Asma",
        "ur",
        NOW,
    )
