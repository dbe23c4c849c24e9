"""Somebody who has just typed ``make demo`` and plays with the page."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LONGEST = 120  # seconds until the demo's own story is over
NEWEST = "The Minister of Defense of Pakistan, Khawaja Asif"  # the demo's last story
SIZES = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIDEWAYS = "() => document.documentElement.scrollWidth > innerWidth"
WAIT = 60_000  # milliseconds for the application's answers on a busy machine


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[str]:
    """Start the demo, and give the page's address once visitors may act."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bot.cli import main; main()",
        "demo",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        env={"PATH": os.environ["PATH"]},  # nobody's settings
    )
    assert process.stdout is not None
    drain = None
    try:
        told = ""
        async with asyncio.timeout(LONGEST):
            while "stays up until Ctrl-C" not in told:
                line = await process.stdout.readline()
                assert line, told
                told += line.decode()
        found = re.findall(r"http://127\.0\.0\.1:\d+", told)
        drain = asyncio.create_task(process.stdout.read())
        yield found[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), LONGEST)
        if drain is not None:
            await drain


def received(phone: Any, headline: str) -> Any:
    """Return the bubbles in which the bot brought *headline* to a phone."""
    return phone.locator(".bubble.theirs", has_text=headline)


async def test_the_newcomer_s_story(tmp_path: Path, open_page):
    """Join, ask, broadcast, kill: all of it on the page, and nothing is lost."""
    async with demo(tmp_path) as url, open_page(url) as tab:
        page = tab.page
        page.set_default_timeout(WAIT)

        # Zoya and Kabir follow the links under an article.
        for kind, name in (("start", "Zoya"), ("wa", "Kabir")):
            form = page.locator(f"form.by-{kind}")
            await form.get_by_role("combobox").select_option(label=name)
            await form.get_by_role("button").click()
        zoya, kabir = tab.phone("Zoya"), tab.phone("Kabir", "whatsapp")
        await received(zoya, "Kashmir Watch").first.wait_for()
        await received(kabir, "Kashmir Watch").first.wait_for()

        # They ask for the newest story, and get it.
        for phone in (zoya, kabir):
            assert await received(phone, NEWEST).count() == 0
        await zoya.get_by_role("textbox").fill("/latest")
        await page.keyboard.press("Enter")
        await received(zoya, NEWEST).wait_for()
        await kabir.locator(".suggestion", has_text="LATEST").click()
        await received(kabir, NEWEST).wait_for()

        # An article is published; Meera is shown it, and confirms.
        await page.get_by_role("button", name="Publish the next article").click()
        toast = page.locator("#toast", has_text="Published")
        await toast.wait_for()
        quoted = re.search("“(.+)”", await toast.inner_text())
        assert quoted is not None
        headline = quoted[1]
        meera = tab.phone("Meera")
        confirm = meera.get_by_role("button", name="Confirm")
        before = await confirm.count()
        await meera.locator(".suggestion", has_text="/broadcast").click()
        await confirm.nth(before).wait_for()
        await page.get_by_role("switch", name="Slow network").click()
        await confirm.nth(before).click()
        await meera.get_by_role("status").get_by_text("On its way").wait_for()

        # It begins to arrive; in the middle of it the process is killed.
        strip = page.locator("#broadcast-title", has_text=headline)
        await strip.wait_for()
        await page.locator(
            ".lane:nth-child(n+2):nth-child(-n+5) .token"
        ).first.wait_for()
        await page.get_by_role("button", name="Kill the process").click()
        sign = page.locator("#application")
        await sign.filter(has_text="Killed").wait_for()
        await sign.filter(has_text="Recovered in").wait_for()
        await page.get_by_role("switch", name="Slow network").click()

        # It arrives: in a group, with a reader, on WhatsApp; once each, or in doubt.
        group = tab.phone("Srinagar Neighbours")
        await page.locator("#delivery-summary:not(:has-text('under way'))").wait_for()
        for phone, name in ((group, "Srinagar"), (zoya, "Zoya"), (kabir, "Kabir")):
            row = page.locator("#delivery-rows .delivery", has_text=name)
            state = await row.locator(".chip").text_content()
            if state == "doubtful":
                assert await received(phone, headline).count() <= 1
            else:
                await received(phone, headline).first.wait_for()
                assert await received(phone, headline).count() == 1

        # Where doubt left a platform with nothing, Meera has it sent again.
        telegram = received(group, headline).or_(received(zoya, headline))
        whatsapp = received(kabir, headline)
        if not (await telegram.count() and await whatsapp.count()):
            await meera.get_by_role("button", name="Send again").last.click()
        await telegram.first.wait_for()
        await whatsapp.first.wait_for()

        # And it answers again.
        before = await zoya.locator(".bubble.theirs").count()
        await zoya.locator(".suggestion", has_text="/help").click()
        await zoya.locator(".bubble.theirs").nth(before).wait_for()
        await page.locator("#guide-steps li[data-done=true]").nth(3).wait_for()
        assert await page.locator("#guide-steps li[data-done=true]").count() == 4

        # The page as it is now is readable for everybody.
        for size in SIZES:
            await page.set_viewport_size(size)
            for scheme in SCHEMES:
                await page.emulate_media(color_scheme=scheme)
                assert await tab.violations() == [], f"{size}, {scheme}"
                assert not await page.evaluate(SIDEWAYS), f"{size}, {scheme}"
