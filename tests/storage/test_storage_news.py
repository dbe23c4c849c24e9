"""Articles, digests and broadcasts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.articles import ArticleId
from bot.domain.broadcasts import Broadcast, BroadcastId, BroadcastState, Lane
from bot.domain.deliveries import Form
from bot.domain.digests import DigestId
from bot.domain.errors import Unknown
from bot.domain.messages import Template
from bot.domain.recipients import Channel
from tests.storage.desk import DIGEST, DRAFT, MESSAGE, NOW, SECOND


async def test_the_same_story_twice_is_one_article(database):
    changed = replace(DRAFT, text="Another paragraph. 😀")
    async with database.transaction() as tx:
        first = await tx.articles.add(DRAFT, fingerprint="a", now=NOW)
        same = await tx.articles.add(DRAFT, fingerprint="a", now=NOW + SECOND)
        other = await tx.articles.add(DRAFT, fingerprint="b", now=NOW + SECOND)
        second = await tx.articles.add(changed, fingerprint="a", now=NOW + 2 * SECOND)
        assert await tx.articles.get(first.id) == second
        assert await tx.articles.latest(9) == [second, other]
        assert await tx.articles.latest(1) == [second]
        with pytest.raises(Unknown, match="article list"):
            await tx.articles.get(ArticleId(99))

    assert same == first
    assert (first.version, second.version) == (1, 2)
    assert second.id == first.id
    assert second.draft == changed


def planned(digest: DigestId, **changes: Any) -> Broadcast:
    values: dict[str, Any] = {
        "id": BroadcastId(0),
        "digest": digest,
        "lane": Lane.ROUND_UP,
        "state": BroadcastState.PLANNED,
        "planned_by": "command line",
        "planned_at": NOW,
        "expires_at": NOW + SECOND,
    }
    return Broadcast(**(values | changes))


async def test_digests_and_messages_come_back(desk):
    audience = await desk.audience()
    messages = {
        (audience.id, Channel.TELEGRAM, Form.TEXT, 1): MESSAGE,
        (audience.id, Channel.TELEGRAM, Form.TEXT, 2): replace(MESSAGE, text="2"),
        (audience.id, Channel.WHATSAPP, Form.TEMPLATE, 1): Template(
            content_sid="HX1", variables=(("1", "خبر"),)
        ),
    }
    async with desk.database.transaction() as tx:
        digest = await tx.broadcasts.add_digest(DIGEST, [], now=NOW)
        assert await tx.broadcasts.digest(digest) == DIGEST
        broadcast = await tx.broadcasts.add(planned(digest), [audience.id])
        await tx.broadcasts.add_messages(broadcast.id, messages)
        await tx.broadcasts.add_messages(broadcast.id, {})
        assert await tx.broadcasts.messages(broadcast.id) == messages
        assert await tx.broadcasts.messages(BroadcastId(99)) == {}
        with pytest.raises(Unknown):
            await tx.broadcasts.digest(DigestId(99))
        with pytest.raises(Unknown, match="broadcast list"):
            await tx.broadcasts.get(BroadcastId(99))


async def test_a_broadcast_is_saved_and_found_by_state(desk):
    async with desk.database.transaction() as tx:
        digest = await tx.broadcasts.add_digest(DIGEST, [], now=NOW)
        one = await tx.broadcasts.add(planned(digest), [])
        two = await tx.broadcasts.add(planned(digest), [])
        running = replace(
            one,
            state=BroadcastState.RUNNING,
            confirmed_at=NOW,
            finished_at=NOW + SECOND,
            reason="malformed",
        )
        await tx.broadcasts.save(running)
        assert await tx.broadcasts.get(one.id) == running
        assert await tx.broadcasts.latest(1) == [two]
        assert await tx.broadcasts.in_state(
            BroadcastState.PLANNED, BroadcastState.RUNNING
        ) == [running, two]
        assert await tx.broadcasts.in_state(BroadcastState.PAUSED) == []


async def test_what_was_sent_before_to_whom(desk):
    audience, other = await desk.audience(), await desk.audience("other")
    async with desk.database.transaction() as tx:
        one = await tx.articles.add(DRAFT, fingerprint="a", now=NOW)
        two = await tx.articles.add(DRAFT, fingerprint="b", now=NOW)
        digest = await tx.broadcasts.add_digest(DIGEST, [one, two], now=NOW)
        alone = await tx.broadcasts.add_digest(DIGEST, [two], now=NOW)
        add = tx.broadcasts.add
        sent = await add(planned(digest, confirmed_at=NOW), [audience.id, audience.id])
        await add(planned(digest), [audience.id])
        elsewhere = await add(planned(digest, confirmed_at=NOW), [other.id])
        later = await add(planned(alone, confirmed_at=NOW), [audience.id])
        before = tx.broadcasts.sent_before
        assert await before([one.id], [audience.id]) == [sent]
        assert await before([one.id, two.id], [audience.id]) == [later, sent]
        assert await before([one.id], [audience.id, other.id]) == [elsewhere, sent]
        assert await before([], [audience.id]) == []
        assert await before([one.id], []) == []
