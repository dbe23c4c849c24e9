"""What a visitor does on the page, in a real browser, for everybody who may come."""

from __future__ import annotations

import aiohttp
import pytest

STATES = [
    "queued",
    "sending",
    "accepted",
    "delivered",
    "read",
    "suspended",
    "doubtful",
    "failed",
]
EVERYWHERE = pytest.mark.parametrize(
    ("width", "scheme"),
    [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")],
)
FOCUSED = """() => {
  const at = document.activeElement;
  return `${at.getAttribute('role') ?? at.localName}: ${
    at.getAttribute('aria-label') ?? at.textContent.trim()}`;
}"""


@EVERYWHERE
async def test_nobody_is_kept_out(scene, open_page, width, scheme):
    """axe-core finds nothing: as it opens, mid-broadcast, killed, and unfolded."""
    async with open_page(scene.url, width=width, scheme=scheme) as tab:
        page = tab.page
        assert await tab.violations() == []
        scene.broadcast(*STATES)
        scene.become(state="down")
        await page.locator(".token").nth(len(STATES) - 1).wait_for()
        await page.locator("#application[data-state=down]").wait_for()
        folded = page.locator("details:not([open]) > summary")
        while await folded.count():
            await folded.first.click()
        await tab.phone("Imran").locator(".opener").click()
        await tab.phone("Imran").get_by_role("switch").wait_for()
        assert await tab.violations() == []
        scene.become(state="up", starts=2, recovered_in=2.4, doubtful=3)
        await page.get_by_text("Recovered in 2.4 s, 3 calls in doubt").wait_for()
        assert await tab.violations() == []
        assert not await page.evaluate(
            "() => document.documentElement.scrollWidth > innerWidth"
        ), "nothing sticks out at the side"


async def test_a_visitor_writes_presses_and_follows(scene, open_page, until):
    log = scene.sandbox.log
    async with open_page(scene.url) as tab:
        imran = tab.phone("Imran")
        await imran.get_by_role("textbox").fill("/latest please")
        await imran.get_by_role("button", name="Send").click()
        await imran.get_by_text("/latest please").wait_for()
        assert await imran.get_by_role("textbox").input_value() == ""

        meera = tab.phone("Meera")
        await meera.get_by_role("button", name="Confirm").click()
        await until(lambda: bool(scene.sandbox.world.queries), "the button arrives")

        haris = tab.phone("Haris")
        await haris.get_by_role("button", name="START").click()
        await haris.get_by_role("textbox").wait_for()
        focused = await tab.page.evaluate(FOCUSED)
        assert focused.startswith("input: Write as Haris"), "not lost with the button"

        form = tab.page.locator("form.by-wa")
        await form.get_by_role("button").click()
        gul = tab.phone("Gul", "whatsapp")
        await gul.get_by_text("JOIN ABCD").wait_for()
        assert [r["person"] for r in log.of("action") if r["action"] == "whatsapp"] == [
            "Gul",
            "Gul",
        ]


async def test_a_template_s_button_answers(scene, open_page):
    box = scene.sandbox
    box.add_template(sid="HX01", body="News: {{1}}", buttons=["Read it"])
    url = f"{box.twilio_url}/2010-04-01/Accounts/{box.account_sid}/Messages.json"
    form = {
        "To": scene.phone.whatsapp,
        "From": f"whatsapp:{box.whatsapp_number}",
        "ContentSid": "HX01",
        "ContentVariables": '{"1": "the pass is open"}',
    }
    auth = aiohttp.encode_basic_auth(box.account_sid, box.auth_token)
    async with aiohttp.ClientSession(headers={"Authorization": auth}) as session:
        answer = await session.post(url, data=form)
        assert answer.status == 201, await answer.text()
    async with open_page(scene.url) as tab:
        gul = tab.phone("Gul", "whatsapp")
        await gul.get_by_role("button", name="Read it").click()
        await gul.locator(".mine", has_text="Read it").wait_for()


async def test_a_channel_is_chosen_on_the_phone_that_is_asked(scene, open_page):
    """A key that asks for a chat shares the one that its owner runs."""
    key = {"request_id": 4, "chat_is_channel": True}
    markup = {"keyboard": [[{"text": "Choose a channel", "request_chat": key}]]}
    world = scene.sandbox.world
    keeper = next(p for p in world.people.values() if p.role == "keeper")
    await world.open_start(keeper)
    world.chats[keeper.id].keyboard = markup
    async with open_page(scene.url) as tab:
        bilal = tab.phone("Bilal")
        await bilal.get_by_role("button", name="Choose a channel").click()
        await bilal.get_by_text("Bilal shared a chat").wait_for()


async def test_what_arrives_is_announced_together(scene, open_page):
    async with open_page(scene.url) as tab:
        for chat in (scene.editor, scene.reader, scene.group, scene.newcomer):
            scene.say(chat, "Something new.")
        news = tab.page.locator("#news", has_text="New messages in")
        await news.wait_for(state="attached")
        told = await news.text_content()
        assert told == (
            "New messages in Meera, editor, Imran, Srinagar Neighbours and 1 more"
        )


async def test_while_the_story_is_played_visitors_are_asked_to_wait(scene, open_page):
    hooks = scene.sandbox.hooks
    hooks.closed = "In a few seconds it is your turn."
    async with open_page(scene.url) as tab:
        page = tab.page
        await page.get_by_role("status").get_by_text(hooks.closed).wait_for()
        hooks.closed = ""
        scene.become(state="up")
        await page.locator("#opening").wait_for(state="hidden")


async def test_a_command_in_the_bot_s_words_is_sent_by_tapping_it(scene, open_page):
    command = {"type": "bot_command", "offset": 6, "length": 5}
    scene.say(scene.group, "Write /help", entities=(command,))
    async with open_page(scene.url) as tab:
        group = tab.phone("Srinagar Neighbours")
        await group.get_by_role("combobox").select_option(label="Imran")
        await group.get_by_role("button", name="/help").click()
        said = group.get_by_text(f"/help@{scene.sandbox.bot_username}")
        await said.wait_for()
        assert await group.locator(".sender", has_text="Imran").count() == 1


async def test_mistakes_are_said_beside_the_phone(scene, open_page):
    async with open_page(scene.url) as tab:
        imran = tab.phone("Imran")
        scene.sandbox.world.people[scene.reader.id].started = False
        await imran.get_by_role("textbox").fill("hello?")
        await imran.get_by_role("button", name="Send").click()
        alert = imran.get_by_role("alert")
        await alert.wait_for()
        assert "has not pressed Start" in await alert.inner_text()
        kept = await imran.get_by_role("textbox").input_value()
        assert kept == "hello?", "what was written is not lost"
        tab.wrong = [w for w in tab.wrong if "400" not in w]  # the refusal itself


async def test_trouble_is_turned_on_by_keys_alone(scene, open_page, until):
    """Tab reaches the switches, the kill and a composer; Space and Enter do it."""
    async with open_page(scene.url) as tab:
        page = tab.page
        reached = []
        for _ in range(80):
            await page.keyboard.press("Tab")
            here = await page.evaluate(FOCUSED)
            reached.append(here)
            if here == "switch: Slow network":
                await page.keyboard.press("Space")
                await page.locator("#switches [aria-checked=true]").wait_for()
            if here == "button: Kill the process":
                await page.keyboard.press("Enter")
            if here.startswith("input: Write as Meera"):
                await page.keyboard.type("/status")
                await page.keyboard.press("Enter")
                break
        assert "switch: Slow network" in reached
        assert "button: Kill the process" in reached
        assert reached[-1].startswith("input: Write as Meera")
        assert reached[0] == "a: Skip to the phones"
        await tab.phone("Meera").get_by_text("/status").last.wait_for()
        await until(lambda: scene.asked == ["kill"], "the kill is asked for")
        view = scene.sandbox.switches.view()
        assert view["slow"]


async def test_the_focus_survives_what_arrives(scene, open_page):
    async with open_page(scene.url) as tab:
        page, world = tab.page, scene.sandbox.world
        meera = tab.phone("Meera")
        await meera.get_by_role("button", name="Cancel").focus()
        offer = next(
            m for m in world.chats[scene.editor.id].messages.values() if m.buttons
        )
        offer.text = "Nothing was sent."
        scene.sandbox.log.add("edited", scene.editor.id, message_id=offer.id)
        await meera.get_by_text("Nothing was sent.").wait_for()
        assert await page.evaluate(FOCUSED) == "button: Cancel"

        field = meera.get_by_role("textbox")
        await field.fill("half a sen")
        scene.say(scene.editor, "Something else.")
        await meera.get_by_text("Something else.").wait_for()
        await page.keyboard.type("tence")
        assert await field.input_value() == "half a sentence"

        scene.broadcast("queued")
        token = page.locator(".token a").first
        await token.focus()
        before = await page.evaluate(FOCUSED)
        scene.broadcast("accepted")
        await page.locator(".lane:nth-child(3) .token").wait_for()
        assert await page.evaluate(FOCUSED) == before


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
async def test_deliveries_move_only_for_those_who_like_it(scene, open_page, motion):
    async with open_page(scene.url, reduced_motion=motion) as tab:
        page = tab.page
        await page.evaluate("""() => {
          const animate = Element.prototype.animate;
          window.moves = 0;
          Element.prototype.animate = function (...all) {
            window.moves += 1;
            return animate.apply(this, all);
          };
        }""")
        scene.broadcast("queued")
        await page.locator(".lane:nth-child(1) .token").wait_for()
        scene.broadcast("accepted")
        await page.locator(".lane:nth-child(3) .token").wait_for()
        moves = await page.evaluate("() => window.moves")
        assert moves == (1 if motion == "no-preference" else 0)


async def test_right_to_left_text_is_right(scene, open_page):
    async with open_page(scene.url) as tab:
        imran = tab.phone("Imran")
        text = imran.locator(".text", has_text=scene.urdu)
        assert await text.evaluate("node => getComputedStyle(node).direction") == "rtl"
        field = imran.get_by_role("textbox")
        assert await field.get_attribute("dir") == "auto"
        await field.fill("خبر")
        assert await field.evaluate("node => node.matches(':dir(rtl)')")
        await field.fill("news")
        assert await field.evaluate("node => node.matches(':dir(ltr)')")


async def test_other_addresses_open_nothing(scene, open_page):
    async with open_page(scene.url) as tab:
        group = tab.phone("Srinagar Neighbours")
        address = group.get_by_title("https://kashmirwatch.example/pass")
        assert await address.evaluate("node => node.localName") == "span"
        assert await tab.page.locator("a[href^=http]").count() == 0


async def test_what_was_not_sent_is_said_in_words(scene, open_page):
    async with open_page(scene.url) as tab:
        scene.broadcast(*STATES)
        unsent = tab.page.locator("#unsent-rows li")
        await unsent.wait_for()
        assert "Nadia" in await unsent.inner_text()
        assert "she wrote STOP" in await unsent.inner_text()
        counts = await tab.page.locator(".lane-head b").all_inner_texts()
        assert counts == ["1", "1", "1", "1", "1", "3"]
        summary = await tab.page.locator("#delivery-summary").inner_text()
        assert summary == "3 of 8 arrived, 2 under way"


async def test_the_guide_goes_away_for_good(scene, open_page):
    async with open_page(scene.url) as tab:
        guide = tab.page.locator("#guide")
        await guide.wait_for()
        await guide.get_by_role("button").click()
        await tab.page.reload()
        await tab.page.locator("#link[data-state=live]").wait_for()
        assert not await guide.is_visible()


async def test_a_crowd_is_shown_and_one_can_jump_to_each(scene, open_page):
    for number in range(70):
        person = scene.sandbox.world.person(f"Reader {number}", role="reader")
        scene.say(person, f"News for {number}")
    async with open_page(scene.url, width=390) as tab:
        assert await tab.page.locator(".phone").count() == 60
        assert (
            "more chats are not shown" in await tab.page.locator("#more").inner_text()
        )
        await tab.page.locator("a.jump", has_text="Reader 60").click()
        phone = tab.phone("Reader 60")
        await tab.page.wait_for_timeout(800)  # a smooth scroll rings no bell
        box = await phone.bounding_box()
        assert box is not None
        assert 0 <= box["x"] < 390 / 2
        assert 0 <= box["y"] < 844 / 2
