"""The page of phones: what a browser is given, and that everybody can read it."""

from __future__ import annotations

import colorsys
import re

import pytest

from bot.sandbox.page import FILES, SECURITY, STATIC, STYLES

CSS = "".join(
    path.read_text(encoding="utf-8")
    for path in (STATIC / f"{name}.css" for name in STYLES)
)
HTML = (STATIC / "page.html").read_text(encoding="utf-8")
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
#: WCAG 2.2, success criterion 1.4.3: text of ordinary size.
READABLE = 4.5
#: And 1.4.11: what shows where a control is.
VISIBLE = 3.0
#: Words on their ground; white stands on the heads of the phones.
PAIRS = [
    ("ink", "paper"),
    ("soft", "paper"),
    ("ink", "card"),
    ("soft", "card"),
    ("good", "card"),
    ("wait", "card"),
    ("bad", "card"),
    ("calm", "card"),
    ("bubble-ink", "bubble"),
    ("bubble-ink", "tg-mine"),
    ("bubble-ink", "wa-mine"),
    ("link", "bubble"),
    ("link", "tg-mine"),
    ("bad", "bubble"),
    ("brand", "paper"),
    ("brand", "card"),
    ("link", "card"),
    ("white", "tg"),
    ("white", "wa"),
    ("white", "danger"),
    ("white", "action"),
]

Colour = tuple[float, float, float]


def tokens(*, dark: bool) -> dict[str, Colour]:
    """Return the named colours of the light scheme, or of the dark one."""
    light, night = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    if dark:
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", night))
    found["white"] = "#ffffff"
    return {name: colour(text) for name, text in found.items()}


def colour(text: str) -> Colour:
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def luminance(shown: Colour) -> float:
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in shown
    )
    return sum(
        weight * part
        for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )


def contrast(one: Colour, other: Colour) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("words", "ground"), PAIRS)
def test_words_stand_out_from_their_ground(words, ground, dark):
    colours = tokens(dark=dark)
    assert contrast(colours[words], colours[ground]) >= READABLE


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("shape", ["field", "focus"])
def test_controls_stand_out_from_their_ground(shape, dark):
    colours = tokens(dark=dark)
    for ground in ("card", "paper"):
        assert contrast(colours[shape], colours[ground]) >= VISIBLE


def test_initials_stand_out_in_every_hue_a_name_can_have():
    lightness = [int(each) / 100 for each in re.findall(r"--face-l: (\d+)%", CSS)]
    assert len(lightness) == 2, "one for each scheme"
    for hue in range(360):
        for light in lightness:
            face = colorsys.hls_to_rgb(hue / 360, light, 0.45)
            assert contrast((1.0, 1.0, 1.0), face) >= READABLE, hue


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_names_in_a_group_stand_out_in_every_hue(dark):
    found = re.findall(r"\.sender \{[^}]*hsl\(var\(--hue\) (\d+)% (\d+)%\)", CSS)
    saturation, lightness = (int(each) / 100 for each in found[int(dark)])
    ground = tokens(dark=dark)["bubble"]
    for hue in range(360):
        name = colorsys.hls_to_rgb(hue / 360, lightness, saturation)
        assert contrast(name, ground) >= READABLE, hue


def test_nothing_moves_for_those_who_asked_for_stillness():
    still, _, moving = CSS.partition("@media (prefers-reduced-motion: no-preference)")
    block = moving[: moving.index("\n}")]
    rest = still + moving[len(block) :]
    assert "animation" in block
    assert not re.findall(r"animation|transition|scroll-behavior", rest)


async def test_every_file_the_page_asks_for_is_served_with_its_rules(sandbox, session):
    asked = {"/", *re.findall(r'(?:href|src)="(/static/[^"]+)"', HTML)}
    for script in SCRIPTS.values():
        asked |= {f"/static/{name}" for name in re.findall(r"from '\./(.+?)'", script)}
    assert asked == FILES.keys()
    for path in asked:
        async with session.get(f"{sandbox.page_url.rstrip('/')}{path}") as answer:
            assert answer.status == 200, path
            assert answer.content_type == FILES[path][1]
            assert {name: answer.headers[name] for name in SECURITY} == SECURITY
            assert await answer.read()


async def test_nothing_but_the_page_s_own_files_is_served(sandbox, session):
    base = sandbox.page_url.rstrip("/")
    for path in ("/static/none.css", "/static/%2e%2e/page.py"):
        async with session.get(f"{base}{path}") as answer:
            assert answer.status == 404, path


def test_the_page_obeys_its_own_policy():
    """No style or script in the markup, and nothing from elsewhere."""
    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=", HTML)
    assert not re.search(r'(?:href|src)="(?:https?:)?//', HTML)
    assert "url(" not in CSS
    assert "@import" not in CSS
    for name, script in SCRIPTS.items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|eval\(", script
        ), f"{name}: what people write must only ever become text"


def test_every_part_the_scripts_look_for_is_on_the_page():
    ids = re.findall(r'\bid="([\w-]+)"', HTML)
    assert len(ids) == len(set(ids))
    wanted = set()
    for script in SCRIPTS.values():
        wanted |= set(re.findall(r"(?:getElementById|part)\('([\w-]+)'\)", script))
    assert wanted
    assert wanted <= set(ids)
    named = set(re.findall(r'aria-labelledby="([\w-]+)"', HTML))
    named |= set(re.findall(r'href="#([\w-]+)"', HTML))
    assert named <= set(ids)


def test_the_page_has_one_title_and_its_landmarks():
    assert HTML.count("<h1") == 1
    assert 'lang="en"' in HTML
    for landmark in ("<header", "<main", "<nav ", "<aside "):
        assert HTML.count(landmark) == 1
    assert 'href="#phones"' in HTML, "a way past the head"
