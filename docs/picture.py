"""Draw the README's pictures: the demo's page in the middle of a broadcast.

``make picture`` starts the demo, lets its story end, publishes the next article, and
has the editor send it over a slow network. It draws a desktop's window from its top and
a telephone's at a phone that the news has reached, each light and dark. Needs chromium.
"""  # noqa: INP001 - a script beside the documents, not a module

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.async_api import Page, ViewportSize, async_playwright

FOLDER = Path(__file__).parent / "pictures"
#: By the pictures' names: what is looked at, in CSS pixels.
SIZES: dict[str, ViewportSize] = {
    "phones": {"width": 1280, "height": 960},
    "pocket": {"width": 390, "height": 844},
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LONGEST = 120  # seconds until the demo's own story is over
PATIENCE = 60_000  # milliseconds for the application's answers
#: Deliveries under way and deliveries that have arrived: the middle of it.
MIDDLE = """() => {
  const heads = [...document.querySelectorAll('.lane-head b')];
  const lanes = heads.map((head) => Number(head.textContent));
  return lanes[1] > 1 && lanes[2] + lanes[3] + lanes[4] > 1;
}"""


#: The window's top; or, where phones stand side by side, a group that has the news.
PLACE = """(title) => {
  if (innerWidth > 640) return scrollTo({ top: 0, behavior: 'instant' });
  const group = [...document.querySelectorAll('.phone:is(.group, .supergroup)')]
    .find((phone) => phone.textContent.includes(title));
  group.scrollIntoView({ block: 'start', inline: 'center', behavior: 'instant' });
}"""
#: The first group has it.
REACHED = """(title) => [
  ...document.querySelectorAll('.phone:is(.group, .supergroup)'),
].some((phone) => phone.textContent.includes(title))"""


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


async def send(page: Page) -> str:
    """Publish an article, have Meera send it, slowly, and return its headline."""
    await page.get_by_role("button", name="Publish the next article").click()
    said = page.locator("#toast", has_text="Published")
    await said.wait_for()
    (title,) = re.findall("“(.+)”", await said.inner_text())
    meera = page.locator("article.phone", has=page.locator("h3", has_text="Meera"))
    confirm = meera.get_by_role("button", name="Confirm")
    before = await confirm.count()
    await meera.locator(".suggestion", has_text="/broadcast").click()
    await confirm.nth(before).wait_for()
    await page.get_by_role("switch", name="Slow network").click()
    await confirm.nth(before).click()
    return title


async def draw(url: str) -> None:
    """Look at the page in both sizes and colour schemes, at the same moment."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("HARKARA_CHROMIUM")
            or shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        pages = {}
        for (name, size), scheme in product(SIZES.items(), SCHEMES):
            context = await browser.new_context(
                viewport=size, color_scheme=scheme, reduced_motion="reduce"
            )
            pages[f"{name}-{scheme}"] = page = await context.new_page()
            page.set_default_timeout(PATIENCE)
            await page.goto(url)
        hand = await browser.new_page()
        hand.set_default_timeout(PATIENCE)
        await hand.goto(url)
        title = await send(hand)
        for name, page in pages.items():
            await page.wait_for_function(REACHED, arg=title)
            await page.evaluate(PLACE, title)
            await page.wait_for_function(MIDDLE)
            await page.screenshot(path=FOLDER / f"{name}.png")
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
