"""Draw the README's pictures: the demo's page in the middle of a broadcast.

``make picture`` starts the demo, lets its story end, publishes the next article, and
has the editor send it over a slow network. Needs chromium.
"""  # noqa: INP001 - a script beside the documents, not a module

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

from playwright.async_api import Page, async_playwright

FOLDER = Path(__file__).parent / "pictures"
SIZE = {"width": 1280, "height": 960}
LONGEST = 120  # seconds until the demo's own story is over
PATIENCE = 60_000  # milliseconds for the application's answers
#: Deliveries under way and deliveries that have arrived: the middle of it.
MIDDLE = """() => {
  const heads = [...document.querySelectorAll('.lane-head b')];
  const lanes = heads.map((head) => Number(head.textContent));
  return lanes[1] > 1 && lanes[2] + lanes[3] + lanes[4] > 1;
}"""


async def let_in(process: asyncio.subprocess.Process) -> str:
    """Wait until the demo lets visitors act, and return the page's address."""
    told = ""
    async with asyncio.timeout(LONGEST):
        while process.stdout and "stays up until Ctrl-C" not in told:
            line = await process.stdout.readline()
            if not line:
                raise RuntimeError(told)
            told += line.decode()
    return re.findall(r"http://127\.0\.0\.1:\d+", told)[-1]


async def send(page: Page) -> None:
    """Publish an article, and have Meera send it, slowly."""
    await page.get_by_role("button", name="Publish the next article").click()
    meera = page.locator("article.phone", has=page.locator("h3", has_text="Meera"))
    confirm = meera.get_by_role("button", name="Confirm")
    before = await confirm.count()
    await meera.locator(".suggestion", has_text="/broadcast").click()
    await confirm.nth(before).wait_for()
    await page.get_by_role("switch", name="Slow network").click()
    await confirm.nth(before).click()


async def draw(url: str) -> None:
    """Look at the page in both colour schemes, at the same moment."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("HARKARA_CHROMIUM")
            or shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        pages = {}
        for scheme in ("light", "dark"):
            context = await browser.new_context(
                viewport=SIZE,
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            pages[scheme] = page = await context.new_page()
            page.set_default_timeout(PATIENCE)
            await page.goto(url)
        hand = await browser.new_page()
        hand.set_default_timeout(PATIENCE)
        await hand.goto(url)
        await send(hand)
        for scheme, page in pages.items():
            await page.evaluate("() => scrollTo({ top: 0, behavior: 'instant' })")
            await page.wait_for_function(MIDDLE)
            await page.screenshot(path=FOLDER / f"phones-{scheme}.png")
        await browser.close()


async def main() -> None:
    """Start the demo, draw, and stop it."""
    FOLDER.mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bot.cli import main; main()",
        "demo",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await draw(await let_in(process))
    finally:
        process.terminate()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(main())
