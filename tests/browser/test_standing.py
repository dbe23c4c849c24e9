"""The strip that stays: how application and deliveries stand, wherever one is."""

from __future__ import annotations

import pytest

#: Whether the middle of an element is in view, with nothing lying over it.
SEEN = """node => {
  const box = node.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  return y < innerHeight / 4 && node.contains(document.elementFromPoint(x, y));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_sign_and_the_bar_stay_in_view(scene, open_page, width, scheme):
    """At the last phone and at the kill button; and nothing lies over anything."""
    async with open_page(scene.url, width=width, scheme=scheme) as tab:
        page = tab.page
        scene.broadcast("queued", "sending", "read")
        sign, bar = page.locator("#application"), page.locator("#bar")
        await bar.locator("span").first.wait_for()
        if width < 1280:
            await page.locator("#trouble > summary").click()
        last = page.locator(".phone").last
        kill = page.get_by_role("button", name="Kill the process")
        for goal in (kill, last):
            # as the browser itself does it, for focus and addresses
            await goal.evaluate("node => node.scrollIntoView({ block: 'start' })")
            await page.wait_for_timeout(900)  # a smooth scroll rings no bell
            assert await page.evaluate("() => scrollY") > 0
            assert await sign.evaluate(SEEN)
            assert await bar.evaluate(SEEN)
            under = await page.locator("#strip").bounding_box()
            box = await goal.bounding_box()
            assert under is not None
            assert box is not None
            assert under["height"] < 80
            assert box["y"] >= under["y"] + under["height"], "not below the strip"
        jump = page.locator("a.jump").first
        assert await jump.evaluate(SEEN), "the list of chats sticks below it"
        assert await tab.violations() == []


async def test_the_sign_names_a_provider_that_is_down(scene, open_page):
    async with open_page(scene.url) as tab:
        page = tab.page
        telegram = page.get_by_role("switch", name="Telegram is down")
        await telegram.click()
        await page.get_by_text("Running · Telegram is down", exact=True).wait_for()
        assert await tab.violations() == []
        await page.get_by_role("switch", name="Twilio is down").click()
        both = "Running · Telegram and Twilio are down"
        await page.get_by_text(both, exact=True).wait_for()
        scene.become(state="down")
        await page.get_by_text("Killed · Telegram and Twilio").wait_for()
        assert await tab.violations() == []
        await telegram.click()
        await page.get_by_text("Killed · Twilio is down", exact=True).wait_for()
