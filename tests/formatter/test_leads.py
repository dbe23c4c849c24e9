"""First sentences as agencies and newspapers write them, and what is made of them.

Each headline is a span of its sentence with the subject and a verb in it; the words
that only set the scene never stand alone.
"""

# ruff: noqa: E501 — leads as they are written

from __future__ import annotations

import pytest

from bot.domain.articles import Draft
from bot.formatter import compose
from bot.formatter.headline import make_headline

LEADS = [
    (
        "en",
        "Undeterred by heavy snowfall and the closure of all roads leading to the remote valley for the last two weeks, volunteers reach the village with food.",
        "Volunteers reach the village with food",
    ),
    (
        "en",
        "In a statement issued from its headquarters in New York late on Friday night after a meeting of its full board, the organisation, a global rights watchdog with offices in forty countries, condemned the arrests.",
        "The organisation, a global rights watchdog with offices in forty countries, condemned the arrests",
    ),
    (
        "en",
        "Finance Minister Nirmala Sitharaman, Home Minister Amit Shah, Defence Minister Rajnath Singh and External Affairs Minister S. Jaishankar attended the meeting chaired by the prime minister on Friday.",
        "Finance Minister Nirmala Sitharaman, Home Minister Amit Shah, Defence Minister Rajnath Singh and External Affairs Minister S. Jaishankar attended the meeting chaired",
    ),
    (
        "en",
        "Dr. Farooq Abdullah, the three-time chief minister of Jammu and Kashmir and president of the National Conference, Monday asked the Centre to talk to Pakistan.",
        "Dr. Farooq Abdullah, the three-time chief minister of Jammu and Kashmir and president of the National Conference, Monday asked the Centre to talk to Pakistan",
    ),
    (
        "en",
        "Former prime minister Imran Khan, who was ousted in April 2022 and has been in jail since August 2023 on charges he calls political, was sentenced on Friday to 14 years in prison.",
        "Former prime minister Imran Khan, who was ousted in April 2022 and has been in jail since August 2023 on charges he calls political, was sentenced on Friday to 14 years",
    ),
    (
        "en",
        "Stung by criticism, the Srinagar Municipal Corporation has ordered an inquiry into the collapse of a footbridge.",
        "The Srinagar Municipal Corporation has ordered an inquiry into the collapse of a footbridge",
    ),
    (
        "en",
        "Days after a deadly blast, security has been tightened across Delhi.",
        "Security has been tightened across Delhi",
    ),
    (
        "en",
        "Just before midnight on Saturday, a magnitude 5.8 earthquake shook the Hindu Kush region.",
        "A magnitude 5.8 earthquake shook the Hindu Kush region",
    ),
    (
        "en",
        "Late on Friday night, a shell hit a house in Poonch, killing a woman.",
        "A shell hit a house in Poonch, killing a woman",
    ),
    (
        "en",
        "Born in a village near Pulwama, Rafiq Ahmad became the first from his district to climb Everest.",
        "Rafiq Ahmad became the first from his district to climb Everest",
    ),
    (
        "en",
        "Having lost two matches, India face Australia in a must-win game on Sunday.",
        "Having lost two matches, India face Australia in a must-win game on Sunday",
    ),
    (
        "en",
        "Hours after the Supreme Court refused to stay the order and a day after the opposition had walked out of the assembly, the government notified the rules.",
        "The government notified the rules",
    ),
    (
        "en",
        "Amid a heatwave that has killed more than a hundred people across the north and emptied the streets of its cities by noon, hospitals in Delhi on Thursday opened special wards.",
        "Hospitals in Delhi on Thursday opened special wards",
    ),
    (
        "en",
        "Speaking at the annual convocation of the University of Kashmir, which was attended by more than two thousand students, Lieutenant Governor Manoj Sinha said the youth must lead.",
        "Lieutenant Governor Manoj Sinha said the youth must lead",
    ),
    (
        "en",
        "Describing the attack on the bus carrying pilgrims from Shiv Khori to Katra as a cowardly act by forces opposed to peace in the region, the prime minister said the guilty would not be spared.",
        "The prime minister said the guilty would not be spared",
    ),
    (
        "en",
        "On the eve of the 75th anniversary of the Republic, at a glittering ceremony in the ballroom of the presidential palace in New Delhi, 132 people received the Padma awards.",
        "132 people received the Padma awards",
    ),
    (
        "en",
        "With temperatures in the upper reaches of the valley falling to minus 20 and the highway closed for the sixth day in a row, the administration on Monday airlifted medicines.",
        "The administration on Monday airlifted medicines",
    ),
    (
        "en",
        "The Jammu and Kashmir Board of School Education, which conducts the annual examinations of more than two lakh students in both divisions of the Union Territory, has postponed all papers scheduled for this week.",
        "The Jammu and Kashmir Board of School Education, which conducts the annual examinations of more than two lakh students in both divisions of the Union Territory, has postponed all papers scheduled",
    ),
    (
        "en",
        "The minister of state for home affairs in charge of the northern and eastern regions of the country and a close aide of the prime minister resigned on Friday over the bridge collapse.",
        "The minister of state for home affairs in charge of the northern and eastern regions of the country and a close aide of the prime minister resigned on Friday",
    ),
    (
        "en",
        "Pakistan's Foreign Minister Bilawal Bhutto-Zardari, U.S. Secretary of State Antony Blinken and Saudi Arabia's Foreign Minister Prince Faisal bin Farhan met in Munich on Saturday.",
        "Pakistan's Foreign Minister Bilawal Bhutto-Zardari, U.S. Secretary of State Antony Blinken and Saudi Arabia's Foreign Minister Prince Faisal bin Farhan met in Munich",
    ),
    (
        "en",
        "In the wake of the killings of seven people, including two children, in twin attacks in the village of Dangri in Rajouri on Sunday and Monday, the Centre has rushed 18 companies.",
        "The Centre has rushed 18 companies",
    ),
    (
        "en",
        '"In the last ten years, we have built more roads in this valley than were built in the seventy years before that, and nobody can deny it," the minister told a gathering.',
        '"In the last ten years, we have built more roads in this valley than were built in the seventy years before that, and nobody can deny it," the minister told a gathering',
    ),
    (
        "en",
        "‘They came at night,’ said Fatima, 60, whose son was taken from their home in Shopian.",
        "‘They came at night,’ said Fatima, 60, whose son was taken from their home in Shopian",
    ),
    ("en", "Who killed Shujaat Bukhari?", "Who killed Shujaat Bukhari?"),
    (
        "en",
        "On Monday police arrested two men in Sopore who had been wanted since 2019 for a string of bank robberies in three districts of north Kashmir.",
        "On Monday police arrested two men in Sopore who had been wanted",
    ),
    (
        "en",
        "In Srinagar police detained dozens of protesters.",
        "In Srinagar police detained dozens of protesters",
    ),
    (
        "en",
        "Since Monday no trucks have crossed.",
        "Since Monday no trucks have crossed",
    ),
    ("en", "As of Friday, 41 people had died.", "41 people had died"),
    (
        "en",
        "As the sun rose over the ruins of the market that had fed three generations of traders in the walled city, Haji Ghulam stood silent.",
        "Haji Ghulam stood silent",
    ),
    (
        "en",
        "By a vote of 6-3, the court struck down the law.",
        "The court struck down the law",
    ),
    ("en", "At 81, she still weaves.", "At 81, she still weaves"),
    (
        "en",
        "Aged 81, Zoona Begum still weaves the pashmina shawls that her grandmother taught her to weave when she was a girl of eight in the lanes of downtown Srinagar.",
        "Aged 81, Zoona Begum still weaves the pashmina shawls that her grandmother taught her to weave when she was a girl of eight",
    ),
    (
        "en",
        "Once the pride of the city, the Regal cinema is a parking lot.",
        "The Regal cinema is a parking lot",
    ),
    (
        "en",
        "Armed with sticks and stones, villagers chased away a leopard.",
        "Villagers chased away a leopard",
    ),
    (
        "en",
        "Wearing black armbands, lawyers marched to the court.",
        "Lawyers marched to the court",
    ),
    (
        "en",
        "Widely regarded as the finest santoor player of his age, Pandit Shivkumar Sharma died on Tuesday.",
        "Pandit Shivkumar Sharma died on Tuesday",
    ),
    (
        "en",
        "Two years on, families wait for answers.",
        "Two years on, families wait for answers",
    ),
    (
        "en",
        "Thanks to a new tunnel, the journey takes 15 minutes.",
        "The journey takes 15 minutes",
    ),
    (
        "en",
        "No longer will shepherds have to cross the pass on foot, as the new road reaches the last village.",
        "No longer will shepherds have to cross the pass on foot, as the new road reaches the last village",
    ),
    (
        "en",
        "Kashmiri apple, saffron, walnut and almond growers, who together employ more than three million people and earn the region a tenth of its income, on Thursday demanded crop insurance.",
        "Kashmiri apple, saffron, walnut and almond growers, who together employ more than three million people and earn the region a tenth of its income, on Thursday demanded crop insurance",
    ),
    ("en", "To the surprise of many, he lost.", "He lost"),
    ("en", "Of the 90 seats, the alliance won 49.", "The alliance won 49"),
    ("en", "Till last year, Bashir sold shawls.", "Bashir sold shawls"),
    (
        "en",
        "Through a window of the ruined house, a girl waves.",
        "Through a window of the ruined house, a girl waves",
    ),
    (
        "en",
        "Heavy rain lashed Mumbai on Tuesday, flooding roads, delaying trains and forcing schools to close early as the weather office issued a red alert for the next two days.",
        "Heavy rain lashed Mumbai on Tuesday, flooding roads",
    ),
    (
        "en",
        "The 28-year-old, identified only as A., was, according to police, beaten to death by a mob of about fifty people outside the shrine of Baba Reshi in Tangmarg on Sunday evening.",
        "The 28-year-old, identified only as A., was, according to police, beaten to death",
    ),
    (
        "en",
        "While the government says the situation is normal in all ten districts of the valley and has lifted most of the curbs on movement, traders disagree.",
        "Traders disagree",
    ),
    (
        "ur",
        "وزیر اعظم شہباز شریف، وزیر دفاع خواجہ آصف، وزیر خزانہ اسحاق ڈار اور آرمی چیف جنرل عاصم منیر نے پیر کو اسلام آباد میں قومی سلامتی کمیٹی کے اجلاس میں شرکت کی۔",
        "وزیر اعظم شہباز شریف، وزیر دفاع خواجہ آصف، وزیر خزانہ اسحاق ڈار اور آرمی چیف جنرل عاصم منیر نے پیر کو اسلام آباد میں قومی سلامتی کمیٹی کے اجلاس میں شرکت کی",
    ),
    (
        "hi",
        "प्रधानमंत्री नरेंद्र मोदी, गृह मंत्री अमित शाह, रक्षा मंत्री राजनाथ सिंह और विदेश मंत्री एस जयशंकर ने शुक्रवार को दिल्ली में हुई बैठक में हिस्सा लिया।",
        "प्रधानमंत्री नरेंद्र मोदी, गृह मंत्री अमित शाह, रक्षा मंत्री राजनाथ सिंह और विदेश मंत्री एस जयशंकर ने शुक्रवार को दिल्ली में हुई बैठक में हिस्सा लिया",
    ),
    (
        "hi",
        "श्रीनगर में सोमवार को जारी एक बयान में, सरकार ने कहा कि सभी स्कूल बुधवार से खुलेंगे और अभिभावकों को चिंता करने की जरूरत नहीं है, क्योंकि सुरक्षा के पुख्ता इंतजाम किए गए हैं और बसें भी चलेंगी।",
        "श्रीनगर में सोमवार को जारी एक बयान में, सरकार ने कहा कि सभी स्कूल बुधवार से खुलेंगे और अभिभावकों को चिंता करने की जरूरत नहीं है",
    ),
    (
        "ar",
        "في بيان صدر يوم الاثنين عن مكتب رئيس الوزراء، قال المتحدث باسم الحكومة إن المدارس ستفتح أبوابها يوم الأربعاء في جميع المحافظات رغم الأمطار الغزيرة التي هطلت على البلاد",
        "في بيان صدر يوم الاثنين عن مكتب رئيس الوزراء، قال المتحدث باسم الحكومة إن المدارس ستفتح أبوابها يوم الأربعاء…",
    ),
    (
        "en",
        "“We will rebuild every home,” Chief Minister Omar Abdullah told flood victims in Kishtwar on Sunday as rescue teams recovered four more bodies from the debris.",
        "“We will rebuild every home,” Chief Minister Omar Abdullah told flood victims in Kishtwar on Sunday",
    ),
    (
        "en",
        '"There is no alternative to talks," said Mehbooba Mufti, the president of the Peoples Democratic Party, at a rally in Anantnag on Saturday.',
        '"There is no alternative to talks," said Mehbooba Mufti, the president of the Peoples Democratic Party',
    ),
    (
        "en",
        "According to the police, the accused, identified as Ravi Kumar, fled the scene after the accident.",
        "The accused, identified as Ravi Kumar, fled the scene after the accident",
    ),
    (
        "en",
        "Gen. Asim Munir, the chief of army staff, said on Tuesday that Pakistan would respond to any aggression.",
        "Gen. Asim Munir, the chief of army staff, said on Tuesday that Pakistan would respond to any aggression",
    ),
    (
        "en",
        "Residents of St. John's, Newfoundland, woke up on Sunday to record snow.",
        "Residents of St. John's, Newfoundland, woke up on Sunday to record snow",
    ),
    (
        "en",
        "$1.2 billion has been pledged by donors for flood victims, the United Nations said.",
        "$1.2 billion has been pledged by donors for flood victims, the United Nations said",
    ),
    (
        "en",
        "On 2 January 2023, at 4.30 p.m., a convoy of the Central Reserve Police Force was attacked near Lethpora.",
        "A convoy of the Central Reserve Police Force was attacked near Lethpora",
    ),
    (
        "en",
        "Lashing out at the Centre, PDP chief Mehbooba Mufti on Sunday said democracy was being murdered in Jammu and Kashmir.",
        "PDP chief Mehbooba Mufti on Sunday said democracy was being murdered in Jammu and Kashmir",
    ),
    (
        "en",
        "Since August 2019, when Article 370 was abrogated, more than 900 Kashmiris have been held under the Public Safety Act.",
        "More than 900 Kashmiris have been held under the Public Safety Act",
    ),
    ("en", "A massive fire gutted 20 shops", "A massive fire gutted 20 shops"),
    (
        "en",
        "Before leaving for Delhi, the chief minister reviewed the arrangements.",
        "The chief minister reviewed the arrangements",
    ),
    (
        "en",
        "The Enforcement Directorate (ED), which is probing the case, on Monday attached properties worth Rs 4.2 crore belonging to a businessman, his wife and two companies in Srinagar, Delhi and Mumbai.",
        "The Enforcement Directorate (ED), which is probing the case, on Monday attached properties worth Rs 4.2 crore",
    ),
]
SCENES = [
    "In a statement issued in Srinagar on Monday",
    "After weeks of protests by farmers in the northern districts of the state over the price of wheat",
    "Undeterred by heavy snowfall and the closure of all roads leading to the remote valley for two weeks",
    "Speaking to reporters on the sidelines of a conference in Geneva late on Tuesday night",
    "Hours after the Supreme Court refused to stay the order and the opposition walked out of the assembly",
    "Despite a ban on gatherings of more than four people in the old city and in the villages around it",
    "While the government says the situation is normal in all ten districts and has lifted most of the curbs",
    "Amid a heatwave that has killed more than a hundred people across the north and emptied its streets",
    "On the eve of the anniversary of the accord that ended thirty years of war in the mountains",
]


@pytest.mark.parametrize(("language", "lead", "headline"), LEADS)
def test_a_headline_says_who_did_what(language, lead, headline):
    made = make_headline(lead, language)
    assert made == headline
    assert made.removesuffix("…")[1:] in lead


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(
    "clause",
    [
        "the minister resigned.",
        "Khawaja Asif, the minister of defence, said the border would stay closed.",
        "traders, drivers and farmers wait for the road to open.",
    ],
)
def test_the_scene_never_stands_alone(scene, clause):
    made = make_headline(f"{scene}, {clause}", "en")
    assert clause[1:8] in made


@pytest.mark.parametrize(
    "line",
    [
        "KO News Desk",
        "Observer News Service",
        "Press Trust of India",
        "Our Special Correspondent",
        "By Aamir Khan | January 5, 2023",
        "Jan 5, 2023",
        "Thursday, 5 January 2023, 10:30 IST",
        "NEW DELHI, JANUARY 12",
    ],
)
def test_who_wrote_and_when_is_no_headline(line):
    digest = compose(Draft(text=f"{line}\nPolice arrested two men in Sopore."))
    assert digest.stories[0].headline == "Police arrested two men in Sopore"
    assert digest.stories[0].sentences == ("Police arrested two men in Sopore.",)
