"""Datelines are kept out of a digest; what only looks like one stays."""

from __future__ import annotations

import pytest

from bot.formatter.dateline import is_dateline, without_dateline

REST = "Police said on Monday that two men had been arrested."
URDU = "وزیر دفاع نے پیر کو ایک بیان میں کہا"
HINDI = "सरकार ने सोमवार को कहा कि"
ARABIC = "قال الرئيس يوم الاثنين إن الحدود مغلقة"


@pytest.mark.parametrize(
    ("dateline", "rest"),
    [
        ("Islamabad- ", REST),
        ("Islamabad - ", REST),
        ("New Delhi: ", REST),
        ("Srinagar: ", REST),
        ("SRINAGAR: ", REST),
        ("NEW DELHI, Jan 3 (Reuters) — ", REST),
        ("SRINAGAR, Jan 2: ", REST),
        ("Srinagar, 2 January 2023: ", REST),
        ("WASHINGTON (AP) — ", REST),
        ("KABUL, Afghanistan (AP) — ", REST),
        ("LONDON—", REST),
        ("LONDON -- ", REST),
        ("(Reuters) - ", REST),
        ("New Delhi, Jan 03 (KNO): ", REST),
        ("ISLAMABAD/LAHORE: ", REST),
        ("DERA ISMAIL KHAN: ", REST),
        ("SRINAGAR, JAN 5 (KNO): ", REST),
        ("Srinagar, (KNS): ", REST),
        ("Srinagar | Jan 5 | ", REST),
        ("Leh (Ladakh), Jan 5 (PTI): ", REST),
        ("Srinagar,Jan 5:", REST),
        ("Washington DC: ", REST),
        ("ST. JOHN'S, Newfoundland — ", REST),
        ("سرینگر // ", URDU),
        ("سرینگر؍ ", URDU),
        ("اسلام آباد (نامہ نگار) ", URDU),
        ("नई दिल्ली। ", HINDI),
        ("जम्मू, जागरण संवाददाता। ", HINDI),
        ("नई दिल्ली/श्रीनगर: ", HINDI),
        ("غزة/القدس - ", ARABIC),
        ("اسلام آباد: ", URDU),
        ("اسلام آباد (ویب ڈیسک) ", URDU),
        ("لاہور۔ ", URDU),
        ("नई दिल्ली, 3 जनवरी (भाषा)। ", HINDI),
        ("श्रीनगर: ", HINDI),
        ("القاهرة - ", ARABIC),
        ("دبي (رويترز) - ", ARABIC),
    ],
)
def test_a_dateline_is_left_out(dateline, rest):
    assert without_dateline(dateline + rest) == rest


@pytest.mark.parametrize(
    "paragraph",
    [
        REST,
        "Al-Qaeda fighters killed two people on Monday.",
        "Kashmir - the old region - is cold in winter.",
        "Imran Khan: I will return to power next year.",
        "Correction: An earlier version of this said otherwise.",
        "Pakistan, India and China: three neighbours, one river.",
        "SRINAGAR: closed today.",
        "عالمی ادارہ صحت (ڈبلیو ایچ او) نے پیر کو کہا ہے",
        "وہ چلا گیا۔ پھر سب لوگ گھر چلے گئے",
        "اسلام آباد: بند",
        "بارش",
        "(Reuters)",
        "१२ लोग मारे गए",
        "",
    ],
)
def test_what_is_none_stays(paragraph):
    assert without_dateline(paragraph) == paragraph


@pytest.mark.parametrize(
    ("paragraph", "alone"),
    [
        ("ISLAMABAD:", True),
        ("NEW DELHI, JANUARY 12", True),
        ("New Delhi", False),
        ("NEW DELHI, Jan 3 (Reuters) —", True),
        ("اسلام آباد:", True),
        ("नई दिल्ली, 3 जनवरी (भाषा)।", True),
        ("Watch:", False),
        ("Srinagar:", False),
        ("بارش۔", False),
        ("", False),
    ],
)
def test_a_dateline_on_a_line_of_its_own(paragraph, alone):
    assert is_dateline(paragraph) is alone
