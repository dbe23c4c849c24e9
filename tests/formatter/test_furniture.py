"""What is left out of a page, and what of a story must stay."""

# ruff: noqa: E501 — lines as a page has them

from __future__ import annotations

import pytest

from bot.domain.articles import Draft
from bot.formatter import compose
from bot.formatter.furniture import Evidence, evidence, without_furniture

STORY = (
    "SRINAGAR: Police on Monday arrested two men over the theft of a bronze bell.",
    "The bell had hung in the old court since 1911, the registrar said.",
)
FURNITURE = [
    "To get our stories on your phone, follow us on WhatsApp.",
    "Follow our WhatsApp channel for more news",
    "You can support our work by donating here.",
    "Kashmir Observer is now on WhatsApp. Join us!",
    "Our journalism is free thanks to readers like you.",
    "Please help us by donating to our newsroom.",
    "Chip in today",
    "You can help us tell more such stories.",
    "SUPPORT US",
    "Donate | Subscribe | Share",
    "Monthly ₹199, Yearly ₹1999",
    "Rs 100 / month",
    "Get KO on WhatsApp",
    "Stay ahead with our daily newsletter.",
    "To join our WhatsApp group, click here.",
    "Join us on Telegram: t.me/kashmirobserver",
    "हमारे टेलीग्राम चैनल को सब्सक्राइब करें",
    "व्हाट्सएप पर खबरें पाने के लिए हमारे चैनल से जुड़ें",
    "ہمارا واٹس ایپ چینل فالو کریں",
    "تازہ ترین خبروں کے لیے ہمارا واٹس ایپ چینل جوائن کریں",
    "معیاری صحافت پر وقت، پیسہ اور محنت لگتی ہے، ہماری مدد کریں",
    "गुणवत्तापूर्ण पत्रकारिता में समय, पैसा और मेहनत लगती है, हमारा साथ दें",
    "الصحافة الجيدة تحتاج إلى وقت ومال. ادعمونا.",
    "تابعونا على تلغرام",
    "Invest in journalism you can trust. Subscribe today.",
    "Every contribution, big or small, helps us keep going.",
    "Your support makes our reporting possible.",
    "Tap the link to join our community on WhatsApp.",
    "Be the first to know: join our Telegram channel",
    "Reporting like this needs your support.",
    "Want news on your phone? Join our WhatsApp group.",
    "Follow us on Google News",
    "Read the full story on our website",
    "Join the Kashmir Observer WhatsApp group",
    "1 Month Rs 99",
    "Annual plan: Rs 999",
    "ہماری صحافت کو سہارا دینے کے لیے عطیہ کریں",
    "Join Now | Share | Donate",
    "WhatsApp: Join Now",
    "Free journalism is not cheap. Will you help us?",
    "Join our WhatsApp channel for the day's stories: click here",
    "ہمارے واٹس ایپ گروپ میں شامل ہونے کے لیے اس لنک پر کلک کریں",
    "Click here to join our WhatsApp channel",
    "Support independent journalism: donate today",
    "Your contribution keeps us reporting",
    "Your contribution keeps us reporting.",
    "Subscribe for Rs 99 a month",
    "Join our Telegram channel for the latest updates.",
    "Follow us on Facebook, Twitter and WhatsApp",
    "Also read: Police arrest two in Srinagar",
    "ALSO READ | Taliban deny claim",
    "ACT NOW",
    "MONTHLY | Rs 100 | |",
    "Lifetime: ₹10,000",
    "Rs 100",
    "Share this article",
    "Facebook Twitter WhatsApp Email",
    "© 2023 Kashmir Observer. All rights reserved.",
    "Help us keep our journalism free for everyone.",
    "If you value our work, please consider making a donation.",
    "Scan the QR code to donate",
    "Good journalism costs money. Your donation helps our reporters tell the stories that matter.",
    "We depend on readers like you to fund our journalism. Please support us.",
    "Dear Readers",
    "Follow this link to join our WhatsApp group: https://chat.whatsapp.com/Abc",
    "ہمارے واٹس ایپ گروپ میں شامل ہونے کے لیے اس لنک پر کلک کریں۔",
    "آزاد صحافت کا ساتھ دیں، عطیہ دیں",
    "ماہانہ 100 روپے",
    "یہ بھی پڑھیں: وزیراعظم کا دورہ",
    "آپ کا تعاون ہماری صحافت کو زندہ رکھتا ہے۔",
    "हमारे व्हाट्सएप ग्रुप से जुड़ने के लिए यहां क्लिक करें",
    "हमारे व्हाट्सएप ग्रुप से जुड़ने के लिए यहां क्लिक करें।",
    "स्वतंत्र पत्रकारिता का समर्थन करें, आज ही दान करें",
    "मासिक | 100 रुपये |",
    "यह भी पढ़ें: दिल्ली में बारिश",
    "आपका सहयोग हमारी पत्रकारिता को जीवित रखता है।",
    "انضموا إلى مجموعتنا على واتساب",
    "للانضمام إلى قناتنا على تلغرام اضغط هنا",
    "ادعموا الصحافة المستقلة: تبرعوا اليوم",
    "اقرأ أيضا: الرئيس يزور دمشق",
    "اشتراك شهري 10 دولار",
    "تبرعكم يساعدنا على مواصلة عملنا",
]
STAYS = [
    "Join hands with Pakistan, the president told Kabul.",
    "Support for the group is growing.",
    "The channel was banned.",
    "He said he would donate his salary to the fund.",
    "The WhatsApp group had 256 members.",
    "Donors pledged $9 billion for flood relief.",
    "Subscribe to the WhatsApp channel, the message read, and earn Rs 500 a month.",
    "Following the attack, the group claimed responsibility on Telegram.",
    "You cannot join the group without permission, he said.",
    "Help us, the trapped miners pleaded.",
    "We will donate the prize money, the captain said.",
    "The hospital asks people to donate blood.",
    "Please donate blood, the hospital said on its WhatsApp channel.",
    "गांव के लोगों ने व्हाट्सएप ग्रुप बनाया।",
    "دکانداروں نے واٹس ایپ گروپ بنا کر چندہ جمع کیا۔",
    "The group calls on its members to join the channel and donate.",
    "Readers of the newspaper protested outside the office.",
    "Members pay Rs 100 a month for the service.",
    "Our correspondent in Kabul contributed to this report.",
    "Journalists in Kashmir say their reporting is under threat.",
    "The newspaper’s subscribers fell to 10,000, its revenues from advertising by half.",
    "The app costs $10 a month and is free for members.",
    "Journalism is not a crime.",
    "The charity collects donations through a Telegram group.",
    "The donation appeal was launched on WhatsApp.",
    "نئے اوقات پر سالانہ اٹھارہ لاکھ روپے خرچ ہوں گے، جن میں سے آدھی رقم شہریوں کے عطیات سے آئی ہے۔",
    "Police said the WhatsApp group was used to plan the attack.",
    "The donation of $15 million was announced by the United States.",
    "The donation of $15 million will go to hospitals in Kabul.",
    "The party urged supporters to join its WhatsApp channel.",
    "Residents can donate at the relief camp in Lal Chowk.",
    "Follow the money, prosecutors told the jury.",
    "“Please donate to our families,” the appeal read.",
    "“Join our WhatsApp group,” the message to the victims said.",
    "Subscribe to a Telegram channel and earn Rs 500 a day: that was the promise made to victims.",
    "We must support independent journalism in our country if democracy is to survive.",
    "Support for independent journalism is waning, a new survey shows.",
    "Share prices fell 3 per cent on Monday.",
    "Donations worth Rs 100 crore were collected by the trust.",
    "Members of the WhatsApp group have been questioned.",
    "The newspaper costs Rs 100 a month.",
    "Join the protest on Friday, the union told its members.",
    "The government will donate Rs 10 lakh to each family.",
    "In our view, the government must act now.",
    "You cannot donate blood twice in a month.",
    "پولیس نے کہا کہ واٹس ایپ گروپ حملے کی منصوبہ بندی کے لیے استعمال ہوا۔",
    "عطیہ کی رقم 15 ملین ڈالر ہے۔",
    "لوگ واٹس ایپ گروپ کے ذریعے رابطے میں رہے۔",
    "पुलिस ने कहा कि व्हाट्सएप ग्रुप का इस्तेमाल हमले के लिए किया गया।",
    "दान की राशि 15 करोड़ रुपये है।",
    "قالت الشرطة إن مجموعة واتساب استخدمت للتخطيط للهجوم.",
    "تبرع رجل أعمال بمليون دولار للمستشفى.",
    "انضم إلى القناة ألف مشترك هذا الأسبوع.",
    "بلغت قيمة التبرع 15 مليون دولار.",
]


@pytest.mark.parametrize("line", FURNITURE)
def test_furniture_at_the_end_is_left_out(line):
    story, removed = without_furniture([*STORY, line])
    assert (tuple(story), removed) == (STORY, [line])


@pytest.mark.parametrize("line", FURNITURE)
def test_so_is_furniture_before_more_of_it(line):
    story, removed = without_furniture([*STORY, line, "ACT NOW |", "Rs 100 | |"])
    assert tuple(story) == STORY
    assert removed[0] == line


@pytest.mark.parametrize("line", STAYS)
def test_a_sentence_of_the_story_stays(line):
    assert without_furniture([*STORY, line]) == ([*STORY, line], [])


@pytest.mark.parametrize("line", STAYS)
def test_it_stays_where_furniture_follows(line):
    story, removed = without_furniture([*STORY, line, "Join our WhatsApp group"])
    assert story[-1] == line
    assert removed == ["Join our WhatsApp group"]


def test_a_request_at_the_end_of_the_last_paragraph_is_left_out():
    paragraph = f"{STORY[1]} Click here to join our WhatsApp channel."
    story, removed = without_furniture([STORY[0], paragraph])
    assert tuple(story) == STORY
    assert removed == ["Click here to join our WhatsApp channel."]


def test_a_label_in_the_middle_is_left_out():
    story, removed = without_furniture([STORY[0], "Also read: Two held", STORY[1]])
    assert tuple(story) == STORY
    assert removed == ["Also read: Two held"]


def test_a_table_of_the_story_stays():
    """Pipes alone are no evidence: a score has them too."""
    table = ["India | 283/5 | 50 overs |", "Pakistan | 279 | 49.3 overs |"]
    assert without_furniture([*STORY, *table]) == ([*STORY, *table], [])


def test_a_short_line_between_furniture_goes_with_it():
    tail = ["Support our journalism", "Thank you", "Rs 100 | |"]
    assert without_furniture([*STORY, *tail]) == ([*STORY], tail)


def test_many_short_lines_are_not_furniture():
    poem = [f"line {number} of a poem" for number in range(8)]
    end = ["Join our WhatsApp group", *poem]
    assert without_furniture([*STORY, *end])[0][-1] == poem[-1]


def test_long_paragraphs_are_the_storys():
    long = "Join our WhatsApp group " * 100
    assert evidence(long) is Evidence.NONE
    assert without_furniture([*STORY, long]) == ([*STORY, long], [])


def test_where_all_is_furniture_nothing_is_left_out():
    digest = compose(Draft(text="Join our WhatsApp group\nACT NOW |\nRs 100 | |"))
    assert digest.notes[0].code == "only-furniture"
    assert digest.stories[0].sentences[0] == "Join our WhatsApp group"


def test_a_note_names_no_more_than_an_editor_reads():
    text = "\n".join([*STORY, *(f"Rs {number} | |" for number in range(100, 130))])
    (note, _) = compose(Draft(text=text)).notes
    assert "30 paragraphs: “Rs 100 | |”; " in note.text
    assert note.text.endswith("“Rs 119 | |”; and 10 more")


def test_an_opinion_that_ends_with_journalism_stays():
    end = "We must defend our reporters, our editors and independent journalism."
    assert without_furniture([*STORY, end]) == ([*STORY, end], [])
