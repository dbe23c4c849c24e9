"""What a pressed button answers, and what becomes of the button."""

from __future__ import annotations


async def answer(scene, until, text: str) -> None:
    """Answer the one press that waits."""
    await until(lambda: bool(scene.sandbox.world.queries), "a press arrives")
    (query,) = scene.sandbox.world.queries
    await scene.telegram("answerCallbackQuery", callback_query_id=query, text=text)


async def test_a_second_confirm_is_answered_on_that_phone(scene, open_page, until):
    """Each answer is shown to who pressed, announced, and goes by itself."""
    async with open_page(scene.url) as tab:
        meera = tab.phone("Meera")
        confirm = meera.get_by_role("button", name="Confirm")
        said = meera.get_by_role("status")
        for text in ("On its way", "It was confirmed before"):
            await confirm.click()
            await answer(scene, until, text)
            await said.get_by_text(text).wait_for()
            told = await tab.page.locator(".said:not(:empty)").all_inner_texts()
            assert told == [text], "and on no other phone"
            assert await tab.violations() == []
        await tab.page.locator(".said:not(:empty)").wait_for(state="detached")


async def test_in_a_group_it_is_said_whom_the_answer_is_for(scene, open_page, until):
    key = {"text": "Accept", "callback_data": "accept"}
    scene.say(scene.group, "Enrol?", reply_markup={"inline_keyboard": [[key]]})
    async with open_page(scene.url) as tab:
        group = tab.phone("Srinagar Neighbours")
        await group.get_by_role("combobox").select_option(label="Imran")
        await group.get_by_role("button", name="Accept").click()
        await answer(scene, until, "This button is for editors only")
        told = group.get_by_role("status")
        await told.get_by_text("To Imran: This button is for editors only").wait_for()


async def test_an_answer_without_words_shows_nothing(scene, open_page, until):
    async with open_page(scene.url) as tab:
        meera = tab.phone("Meera")
        await meera.get_by_role("button", name="Confirm").click()
        await answer(scene, until, "")
        scene.say(scene.editor, "Said later.")
        await meera.get_by_text("Said later.").wait_for()
        assert await tab.page.locator(".said:not(:empty)").count() == 0


async def test_buttons_that_an_edit_removes_are_gone(scene, open_page):
    """Without a reload; and who was on one of them is still on that phone."""
    messages = scene.sandbox.world.chats[scene.editor.id].messages.values()
    (offer,) = (message for message in messages if message.buttons)
    async with open_page(scene.url) as tab:
        meera = tab.phone("Meera")
        confirm = meera.get_by_role("button", name="Confirm")
        await confirm.focus()
        await scene.telegram(
            "editMessageReplyMarkup", chat_id=scene.editor.id, message_id=offer.id
        )
        await confirm.wait_for(state="detached")
        assert await meera.locator(".buttons").count() == 0
        assert await meera.get_by_text(offer.text).is_visible()
        assert await meera.locator(".screen:focus").count() == 1


async def test_an_edit_brings_no_old_message_back(scene, open_page):
    """A phone keeps 40 messages; what is older stays out of sight, edited or not."""
    messages = scene.sandbox.world.chats[scene.editor.id].messages.values()
    (offer,) = (message for message in messages if message.buttons)
    offer.date -= 60
    for number in range(40):
        scene.say(scene.editor, f"Number {number}.")
    async with open_page(scene.url) as tab:
        meera = tab.phone("Meera")
        assert await meera.get_by_text(offer.text).count() == 0
        await scene.telegram(
            "editMessageReplyMarkup", chat_id=scene.editor.id, message_id=offer.id
        )
        scene.say(scene.editor, "And one more.")
        await meera.get_by_text("And one more.").wait_for()
        assert await meera.get_by_text(offer.text).count() == 0
