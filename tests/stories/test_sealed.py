"""The database's file says nothing of who reads, and nothing of what they wrote."""

from __future__ import annotations

from pathlib import Path

from bot.domain.deliveries import State
from bot.domain.recipients import Kind
from tests.stories.stage import AUDIENCE, HEADLINE, Stage, whatsapp

#: What people write, each with a word that stands nowhere else.
QUESTION = "when does the quietusmarker bus leave"
ASIDE = "a further zephyrine remark of mine"
PROOF = "wrote to us on paper from {number}, letter umbramarker"


def bytes_of(database: Path) -> bytes:
    """Everything SQLite has written: the file, its log, and the log's index."""
    files = sorted(database.parent.glob(f"{database.name}*"))
    written = [each for each in files if each.suffix not in {".lock", ".key"}]
    assert {each.suffix for each in written} >= {".db", ".db-wal"}
    return b"".join(each.read_bytes() for each in written)


async def test_no_number_and_no_words_of_a_reader_are_in_the_file(stage: Stage):
    world = stage.world
    database = stage.settings.database
    assert isinstance(database, Path)
    async with stage.office() as desk:
        asking, leaving, refusing = await stage.phones(3)
        link = await desk.enrolment.create_link(AUDIENCE, Kind.READER)
        by_hand = world.person("By hand", phone="+923005550099")
        await desk.enrolment.enrol_by_hand(
            AUDIENCE,
            whatsapp(by_hand),
            Kind.READER,
            by=f"letter of {by_hand.phone}",
            evidence=PROOF.format(number=by_hand.phone),
        )
    joining = world.person("Joining", phone="+923005559999", language="en")
    await world.refuse_with(refusing, 63024)
    async with stage.app():
        await world.whatsapp(joining, f"JOIN {link.code}")
        await stage.enrolled(whatsapp(joining))
        broadcast = await stage.broadcast()
        await stage.reached(broadcast, whatsapp(refusing), State.FAILED)
        await stage.reached(
            broadcast, whatsapp(asking), State.ACCEPTED, State.DELIVERED, State.READ
        )
        await world.whatsapp(asking, QUESTION)
        await world.whatsapp(asking, ASIDE)
        await world.whatsapp(leaving, "STOP")
        await stage.enrolled(whatsapp(leaving), wanted=False)
        await stage.told(asking, "HELP", times=2)
        await stage.idle()
        while_running = bytes_of(database)
        people = (asking, leaving, refusing, by_hand, joining)
        secrets = [
            *((person.phone or "")[1:] for person in people),
            *(str(person.phone) for person in people),
            "quietusmarker",
            "zephyrine",
            "umbramarker",
        ]
        assert all(len(each) > 8 for each in secrets)
        assert HEADLINE.encode() in while_running, "the news itself is there to find"
        found = [each for each in secrets if each.encode() in while_running]
        assert found == []
    after = database.read_bytes()
    assert [each for each in secrets if each.encode() in after] == []
    assert database.with_name(f"{database.name}.key").stat().st_mode & 0o077 == 0
