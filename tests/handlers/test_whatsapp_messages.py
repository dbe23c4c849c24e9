"""What readers write on WhatsApp, and what Twilio reports."""

from __future__ import annotations

import pytest

from bot.domain.deliveries import State
from bot.domain.recipients import Address, Channel, Kind
from handlers.whatsapp.keywords import Wish, asks_to_join, wish_in

READER = Address(Channel.WHATSAPP, "+923001234567")


async def enrol(world, address=READER, **more):
    await world.enrolment.enrol_by_hand(
        "valley", address, Kind.READER, by="test", evidence="a test", **more
    )


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("STOP", Wish.STOP),
        (" stop. ", Wish.STOP),
        ("Stop!!!", Wish.STOP),
        ("“STOP”", Wish.STOP),
        ("\u2066STOP\u2069", Wish.STOP),
        ("/stop", Wish.STOP),
        ("UnSubscribe", Wish.STOP),
        ("STOPALL", Wish.STOP),
        ("end", Wish.STOP),
        ("quit", Wish.STOP),
        ("revoke", Wish.STOP),
        ("optout", Wish.STOP),
        ("cancel", Wish.STOP),
        ("روکیں", Wish.STOP),
        ("روكيں", Wish.STOP),  # with Arabic's kaf and ye
        ("بند", Wish.STOP),
        ("بند کریں۔", Wish.STOP),
        ("रोकें", Wish.STOP),
        ("बंद", Wish.STOP),
        ("बन्द", Wish.STOP),
        ("إيقاف", Wish.STOP),
        ("إِيقَاف", Wish.STOP),  # with vowel signs
        ("الغاء", Wish.STOP),
        ("إلغاء", Wish.STOP),
        ("START", Wish.START),
        ("शुरू", Wish.START),
        ("Help?", Wish.HELP),
        ("INFO", Wish.HELP),
        ("مدد", Wish.HELP),
        ("مساعدة", Wish.HELP),
        ("latest", Wish.LATEST),
        ("ताज़ा", Wish.LATEST),
        ("privacy", Wish.PRIVACY),
        ("رازداری", Wish.PRIVACY),
    ],
)
def test_words_that_do_something(text, wish):
    said = wish_in(text)

    assert said is not None
    assert said.wish is wish


@pytest.mark.parametrize(
    "text", ["", "…", "stop the war", "बद", "help me please", "stopped", "latest x"]
)
def test_words_that_do_nothing(text):
    assert wish_in(text) is None


def test_a_number_may_follow():
    assert wish_in("LATEST 3") == (Wish.LATEST, "3")
    assert wish_in("خبریں ۳") == (Wish.LATEST, "۳")


def test_asking_to_join():
    assert asks_to_join("Join ABCD")
    assert not asks_to_join("enjoin")


async def test_a_join_code_lets_a_reader_in(world):
    link = await world.enrolment.create_link("valley", Kind.READER)

    await world.whatsapp(f"hello, join {link.code.lower()}!!")

    [text] = await world.texts(READER)
    assert "You have joined Valley" in text
    assert "STOP" in text
    assert await world.joined(READER) == ["valley"]


async def test_the_same_message_twice_answers_once(world):
    link = await world.enrolment.create_link("valley", Kind.READER)
    key = await world.whatsapp(f"JOIN {link.code}")

    await world.again(key)

    assert len(await world.texts(READER)) == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("JOIN ABCD2345", "not known here"),
        ("ABCD2345", "not known here"),
        ("Thursday", "Write HELP"),
        ("join thursday", "not known here"),
        ("join", "JOIN and the code"),
        ("START", "JOIN and the code"),
        ("see you on thursday", "Write HELP"),
        ("hi", "Write HELP"),
        ("", "Write HELP"),
        ("help", "LATEST"),
        ("privacy", "Twilio"),
        ("latest", "Nothing has been published"),
    ],
)
async def test_other_words(world, text, answer):
    await world.whatsapp(text)

    [said] = await world.texts(READER)
    assert answer in said
    assert await world.joined(READER) == []
    assert await world.errors() == []


@pytest.mark.parametrize("word", ["STOP", "बंद", "روکیں", "whatever"])
async def test_stop_always_works(world, word):
    await enrol(world, language="hi")
    more = {"OptOutType": "STOP"} if word == "whatever" else {}

    await world.whatsapp(word, **more)

    [text] = await world.texts(READER)
    assert text.startswith("आप हट चुके हैं")
    assert await world.joined(READER) == []


async def test_stop_answers_in_the_audience_s_language(world):
    await world.enrolment.create_audience("urdu", title="اردو", language="ur")
    await world.enrolment.enrol_by_hand(
        "urdu", READER, Kind.READER, by="test", evidence="a test"
    )

    await world.whatsapp("stop")
    await world.whatsapp("stop")

    left, nothing = await world.texts(READER)
    assert left.startswith("آپ نکل چکے ہیں")
    assert nothing.startswith("You are not enrolled")


async def test_a_business_scoped_id_keeps_its_letters(world):
    reader = Address(Channel.WHATSAPP, "IN.aBc123")
    link = await world.enrolment.create_link("valley", Kind.READER)

    await world.whatsapp(f"JOIN {link.code}", sender="IN.aBc123")

    assert await world.joined(reader) == ["valley"]
    assert len(await world.texts(reader)) == 1


async def test_a_message_from_no_address_is_set_aside(world):
    await world.whatsapp("STOP", sender="nobody")

    assert await world.errors() == ["ValueError"]


async def test_any_message_opens_the_window(world):
    await world.whatsapp("hello")

    found = await world.enrolment.find(READER)
    assert found[0].last_inbound_at is not None


async def test_latest_is_rendered_for_whatsapp(world):
    await world.article()

    await world.whatsapp("LATEST")

    [story] = await world.sent(READER)
    assert story.text.startswith("*Bridge reopens*")
    assert story.markup is None


# --- reports -----------------------------------------------------------------


async def broadcast(world):
    """Send one story to one reader whose window is open; return the broadcast."""
    await enrol(world)
    await world.whatsapp("hello")
    await world.texts(READER)
    article = await world.article()
    plan = await world.broadcaster.plan(article, ["valley"], by="test")
    await world.broadcaster.confirm(plan.broadcast.id)
    await world.texts(READER)
    return plan.broadcast.id


async def report(world, status, ref, *, sid="fake-1", **more):
    """Report on a message; the pretend messenger's first is the broadcast's."""
    key = f"status:{sid}:{status}"
    payload = {"MessageSid": sid, "MessageStatus": status, "ref": ref, **more}
    await world.store(Channel.WHATSAPP, key, payload)
    assert await world.inbox.run("all") is None


async def state(world, number):
    [line] = await world.broadcaster.report(number)
    return line.delivery.state


async def test_reports_move_a_delivery_in_any_order(world):
    number = await broadcast(world)
    [line] = await world.broadcaster.report(number)
    ref = f"{line.delivery.id}.1"

    await report(world, "read", ref, sid="SMother")
    assert await state(world, number) is State.ACCEPTED, "another message's"
    await report(world, "read", ref)
    await report(world, "delivered", ref)
    await report(world, "sent", ref)

    assert await state(world, number) is State.READ


async def test_a_failure_carries_its_code(world):
    number = await broadcast(world)
    [line] = await world.broadcaster.report(number)

    await report(world, "failed", f"{line.delivery.id}.1", ErrorCode="63999")

    [line] = await world.broadcaster.report(number)
    assert line.delivery.state is State.FAILED
    assert line.delivery.failure.code == "63999"


@pytest.mark.parametrize(
    "ref", ["", "x", "0.0", "99.1", "1.7", f"{2**63}.1", f"1.{2**63}", "9" * 39]
)
async def test_a_report_of_nothing_of_ours_says_nothing(world, ref):
    number = await broadcast(world)

    await report(world, "read", ref)
    await report(world, "no-such-status", "1.1")

    assert await state(world, number) is State.ACCEPTED
    assert await world.errors() == []
