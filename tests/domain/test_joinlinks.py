"""Who a link lets in, and what counts as a code in a person's own words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import LinkExpired, LinkRevoked, LinkSpent, WrongPlace
from bot.domain.joinlinks import (
    CODE_ALPHABET,
    CODE_LENGTH,
    JoinLink,
    JoinLinkId,
    codes_in,
)
from bot.domain.recipients import AudienceId, Kind

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINK = JoinLink(
    id=JoinLinkId(1),
    audience=AudienceId(1),
    kind=Kind.READER,
    token="t" * 43,
    code="KASHM234",
    created_at=NOON,
)
codes = st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"kind": Kind.GROUP}, WrongPlace),
        ({"revoked_at": NOON}, LinkRevoked),
        ({"expires_at": NOON}, LinkExpired),
        ({"max_uses": 2, "uses": 2}, LinkSpent),
    ],
)
def test_a_closed_link_says_why(changes, refusal):
    link = replace(LINK, **changes)

    with pytest.raises(refusal):
        link.check(kind=Kind.READER, now=NOON)


def test_an_open_link_lets_through():
    link = replace(LINK, max_uses=2, uses=1, expires_at=NOON + timedelta(seconds=1))

    assert link.is_open(now=NOON)


def test_addresses():
    assert LINK.telegram_url("desk_bot") == f"https://t.me/desk_bot?start={LINK.token}"
    group = replace(LINK, kind=Kind.GROUP)
    assert group.telegram_url("desk_bot").startswith(
        "https://t.me/desk_bot?startgroup="
    )
    assert (
        LINK.whatsapp_url("+14155550100")
        == "https://wa.me/14155550100?text=JOIN%20KASHM234"
    )


@pytest.mark.parametrize(
    "text",
    [
        "JOIN KASHM234",
        "join kashm234",
        "please Join: «kashm234»!",
        "KASHM234",
        "hello I want to join kashm234 thanks",
        "JOIN KASHM٢٣٤",  # the reader's keyboard writes other digits
        "ＪＯＩＮ ＫＡＳＨＭ２３４",
    ],
)
def test_a_code_is_found_whatever_a_person_wrote_around_it(text):
    assert "KASHM234" in codes_in(text)


@given(codes, st.text(max_size=40), st.text(max_size=40))
def test_a_code_between_blanks_is_always_found(code, before, after):
    found = codes_in(f"{before} {code.lower()} {after}")

    assert code in found or len(found) == 8


@given(st.text(max_size=3000))
def test_anything_may_be_written_to_us(text):
    assert all(len(each) == CODE_LENGTH for each in codes_in(text))
