"""The words by which page furniture is known, in English, Urdu, Hindi and Arabic.

Furniture is told from a story by what it asks, of whom, and about what:

* an **action** it asks for, at the beginning of a line: join, click, donate;
* a **person**: the newsroom as “we” and “our”, the reader as “you”;
* a **matter**: WhatsApp, the channel, journalism, a subscription;
* a **label** that stands before a link to something else: “Also read”;
* a **price** for a period.

A **witness** speaks for the story: somebody said it, or it is a quotation.
"""

# ruff: noqa: E501, ISC004 — right-to-left words folded to 88 columns are unreadable

from __future__ import annotations

import regex

_FLAGS = regex.IGNORECASE | regex.VERSION1


def _words(*patterns: str) -> regex.Pattern[str]:
    """Compile *patterns* as whole words; Indian vowel signs belong to the word."""
    return regex.compile(
        rf"(?<![\p{{L}}\p{{M}}])(?:{'|'.join(patterns)})(?![\p{{L}}\p{{M}}])", _FLAGS
    )


#: English asks in its first words; what is not at the beginning is no request.
OPENING = regex.compile(
    r"(?:\W*(?:(?:for|to)\b[^,.:]{2,60}(?=,)|(?:please|kindly|so|and|now|or|also|only|dear readers?|to)\b))*+"
    r"\W*(?:"
    r"(?:click|tap|press|scan)\b(?= (?:here|on|to|the|below|this|link))"
    r"|catch (?:all|the|our|up)|connect with us|add (?:us|our)|save our (?:number|contact)|fund (?:us|our|the truth|independent)"
    r"|keep (?:us|our|independent|free|quality|journalism)|stand (?:with|by|for|up for) (?:us|independent|free|fearless|journalism)"
    r"|your (?:\w+ )?(?:donation|subscription|contribution|support|membership|gift)s?"
    r"|follow (?:this|the) link|follow us|follow our|follow @|follow [\w ]{2,40} on (?:\w+$|whats ?app|telegram|google news|facebook|twitter|instagram|youtube|x\b)"
    r"|join (?:us|our|now|here|the conversation|[\w ]{2,40} on (?:whatsapp|telegram))"
    r"|join [\w'’. -]{0,40}?(?:whatsapp|telegram|channel|group|newsletter)"
    r"|join (?:the )?[\d,.]+\+? (?:other )?(?:readers|subscribers|members|others|people)"
    r"|subscribe|sign[ -]?up|register (?:now|here|for)|log in|download (?:our|the|now)"
    r"|donate|contribute|chip in|pitch in|gift a|pledge|give (?:now|today|monthly|what|generously)|pay (?:now|what)"
    r"|support (?:us|our|the|independent|quality|free|local|fearless|honest|public"
    r"|good|journalism|(?!for\b|of\b|from\b)[\w ]{2,30} journalism)"
    r"|become (?:a|our)|be (?:a )?part of|help (?:us|keep|fund|support)|stand with us"
    r"|share this|share (?:on|via|the (?:story|article|news|post))"
    r"|like us|like (?:our|and)|get (?:the|our|all|latest|breaking|daily|news|real-time|live|instant|alerts|updates|notified)"
    r"|you can (?:(?:now|also) )*(?:help|support|join|donate|contribute|subscribe|(?:follow|get|read|find|receive|reach) (?:all )?(?:us|our))"
    r"|(?:will|would|can|could) you (?:help|support|join|consider|donate|chip|give)"
    r"|(?:every|any|each) (?:contribution|donation|subscription|rupee|dollar|gift)"
    r"|get [\w ]{2,30} on (?:whatsapp|telegram)"
    r"|stay (?:ahead|updated|connected|informed|tuned|in touch)|never miss|don['’]t miss"
    r"|read (?:more|also|the full|next)|also read|watch (?:also|more|our|the video)"
    r"|visit (?:our|us)|check out our|find us|(?:contact|message|e-?mail|call|text|whats ?app|reach|tell) us|reach out to us|write to|contact(?= [\w.+-]+@)|send us"
    r"|(?:turn on|enable|allow)(?: push)? notifications"
    r"|act now|make a (?:donation|contribution)|consider (?:donating|supporting|making)"
    r"|if you(?: have|['’]ve)? (?:liked?|value|appreciate|enjoy|enjoyed|believe|found|want|read this|can|could|are able)|advertise with"
    r")\b",
    _FLAGS,
)

#: In verb-final languages the request may stand anywhere.
REQUEST = _words(
    # Urdu
    r"کلک (?:کریں|کیجئے|کیجیے|کرو)",
    r"شامل (?:ہوں|ہوجائیں|ہو جائیں|ہونے (?:کے ?لیے|کے ?لئے|کیلئے|کیلیے))",
    r"(?:جوائن|سبسکرائب|فالو|شیئر|شئیر|ڈاؤن ?لوڈ|لائیک|لائک|رجسٹر|وزٹ) (?:کریں|کیجئے|کیجیے|کرنے)",
    r"(?:عطیہ|عطیات|چندہ|چندے) (?:دیں|دیجئے|دیجیے|کریں|کیجیے|دے کر)",
    r"(?:ساتھ|تعاون|مدد|حمایت) (?:دیں|دیجئے|دیجیے|کریں|کیجئے|کیجیے|درکار)",
    r"(?:رکن|ممبر|حصہ) بن(?:یں|یے|ئیے)",
    r"(?:لنک|ویب ?سائٹ|پیج) پر جائیں",
    r"جڑ(?:یں|نے کے ?لیے|نے کے ?لئے)",
    r"(?:یہاں|لنک|بٹن)(?: پر)? دبائیں|حصہ ڈال(?:یں|یے)",
    r"جڑے رہیں|سپورٹ (?:کریں|کیجئے|کیجیے)",
    # Hindi, also as it is typed in Latin letters
    r"(?:click|join|follow|subscribe|share|download|support) kar(?:e|en|ein|o)|jud(?:e|en|ein|iye)|shamil ho(?:n|ne)",
    r"जुड़े रहें|जुड़े रहें|सपोर्ट (?:करें|कीजिए)",
    r"क्लिक (?:करें|कीजिए|करे)",
    r"जुड़(?:ें|िए|ने के ?लिए)",
    r"(?:ज्वाइन|ज्वॉइन|जॉइन|सब्सक्राइब|सब्स्क्राइब|फॉलो|फ़ॉलो|शेयर|डाउनलोड|लाइक|रजिस्टर|विजिट)"
    r" (?:करें|कीजिए|करने)",
    r"(?:दान|चंदा|सहयोग|मदद|समर्थन|योगदान|सहायता|साथ) (?:करें|दें|कीजिए|दीजिए)",
    r"(?:सदस्य|हिस्सा) बन(?:ें|िए)|सदस्यता लें|मजबूत करें|(?:यहां|यहाँ|लिंक)(?: पर)? (?:दबाएं|दबाएँ|जाएं|जाएँ)|का अनुसरण करें",
    # Arabic; the singular forms are also “he joined”, “he took part”
    r"انضم(?:وا|ّ?ي)?(?: الآن)?(?= (?:إلى|الى|إلينا|لنا|معنا|ل))",
    r"للانضمام|للاشتراك|للتبرع|للمتابعة|لمتابعتنا",
    r"اشترك(?:وا|ي)?(?= (?:في|الآن|معنا|مقابل|ب))",
    r"تابعو?نا|تابع(?:وا)?(?= (?:قناتنا|صفحتنا|حسابنا|حساباتنا|أخبارنا))|شاركو?نا|زوروا|زورونا",
    r"(?:اضغط|إضغط|انقر|أنقر)(?:وا|ي)?(?= (?:هنا|على))",
    r"تبرع(?:وا|ي)(?: الآن)?|تبرع الآن|ساهموا|ساهم معنا",
    r"ادعم(?:وا|ونا|نا)?|شارك(?:وا)? (?:المقال|الخبر|هذا)|حمّ?ل(?:وا)? (?:تطبيق|التطبيق|تطبيقنا)",
)

_WE = (
    r"we|us|our|ours|we['’](?:re|ve|ll)|h[au]mar[aei]|h[au]mein",
    r"ہم|ہمیں|ہمارے|ہمارا|ہماری",
    r"हम|हमें|हमारे|हमारा|हमारी",
    r"لنا|معنا|بنا|إلينا|نحن|[\p{L}]{3,}(?:اتنا|عتنا|ناتنا|فتنا|قعنا|لتنا|بيقنا)|قناتنا|مجموعتنا|عملنا"
    r"|تابعونا|تابعنا|ادعمونا|ادعمنا|شاركونا|ساعدونا",
)
_YOU = (
    r"you|your|yours|you['’](?:re|ve|ll)",
    r"آپ|آپکا|آپکی",
    r"आप|आपका|आपके|आपकी",
    r"\p{L}+كم|دعمك",
)
_OWN = (r"اپنے|اپنا|اپنی", r"अपना|अपने|अपनी")  # whoever it is that acts

WE = _words(*_WE)
YOU = _words(*_YOU)
PERSON = _words(*_WE, *_YOU, *_OWN)

MATTERS = tuple(
    _words(*patterns)
    for patterns in (
        (
            r"whats ?app|telegram|signal|facebook|twitter|instagram|youtube|google news|linkedin|tiktok|on x",
            r"واٹس ?ایپ|وٹس ?ایپ|واٹساپ|وہاٹس ?ایپ|ٹیلی ?گرام|فیس ?بک|ٹوئٹر|یو ?ٹیوب|انسٹاگرام",
            r"व्हाट्स ?[एऐ]प|व्हाट्सअप|वॉट्स ?[एऐ]प|वाट्स ?[एऐ]प|वॉट्सअप|टेलीग्राम|टेलिग्राम|फेसबुक"
            r"|ट्विटर|यूट्यूब|इंस्टाग्राम",
            r"(?:ال|لل|ب|بال)?(?:واتس ?[اآأ]ب|واتساب|تلغرام|تلجرام|تيليجرام|تيليغرام|تليجرام|تليغرام"
            r"|فيسبوك|تويتر|يوتيوب)",
        ),
        (
            r"(?:channel|group|page|community|app|newsletter|(?:broadcast|mailing) list|website|inbox|e-?mails?|alerts?"
            r"|updates?|notifications?|link|qr code)s?",
            r"گروپ|چینل|پیج|نیوز ?لیٹر|ویب ?سائٹ|ایپ|لنک|خبرنامہ|خبرنامے",
            r"ग्रुप|समूह|चैनल|पेज|अपडेट|न्यूज़ ?लेटर|न्यूज ?लेटर|वेबसाइट|ऐप|लिंक",
            r"(?:ال|لل)?(?:مجموعة|قناة|صفحة|نشرة|رابط|تطبيق)|(?:ل|ب|و)?(?:مجموعتنا|قناتنا|صفحتنا"
            r"|نشرتنا|موقعنا|تطبيقنا)|النشرة",
        ),
        (
            r"journalis(?:m|ts?)|newsroom|independent (?:media|voices?|press|news)|media house|press freedom|free press",
            r"صحافت|صحافی|صحافیوں|اس ادارے کو",
            r"पत्रकारिता|पत्रकार|पत्रकारों",
            r"(?:ال|لل|و)?(?:صحافة|صحافتنا|الصحافة|للصحافة|الصحفية|صحافيين)",
        ),
        (
            r"reporting|reporters?|editors?|stories|coverage|our (?:work|team|mission)",
            r"رپورٹنگ|رپورٹر|رپورٹروں|ایڈیٹر|ایڈیٹروں|ہمارے کام|خبریں|خبروں",
            r"रिपोर्टिंग|रिपोर्टर|संपादक|हमारे काम|खबरें|ख़बरें|खबरों",
            r"عملنا|مراسلونا|مراسلينا|أخبارنا|آخر الأخبار",
        ),
        (
            r"donat(?:e|es|ion|ions|ing)|contribut(?:e|es|ion|ions|ing)|crowdfund\w*"
            r"|support(?:ing|ers?)?|patrons?|funds|funding",
            r"عطیہ|عطیات|چندہ|چندے|تعاون|مالی مدد|مالی معاونت|حمایت|سپورٹ",
            r"दान|चंदा|चंदे|सहयोग|योगदान|आर्थिक मदद|समर्थन|सपोर्ट",
            r"تبرع(?:وا|ك|كم|ات|اتكم)?|التبرع|للتبرع|مساهمة|مساهمتك|مساهمتكم|دعم|دعمك|دعمكم|ادعموا"
            r"|ادعم|ادعمونا|تمويل",
        ),
        (
            r"subscri(?:be|bers?|ption|ptions|bing)|members?|membership|paying|paywall"
            r"|advertis(?:ing|ements?|ers?)|revenues?|premium|ad-free|free trial",
            r"سبسکرپشن|سبسکرائب|رکنیت|ممبرشپ|رکن|اشتہارات|اشتہاروں",
            r"सदस्यता|सब्सक्रिप्शन|सब्सक्राइब|सदस्य|विज्ञापन|विज्ञापनों",
            r"اشتراك|الاشتراك|للاشتراك|اشتراككم|عضوية|عضوا|إعلانات|الإعلانات",
        ),
        (
            r"readers?(?:hip)?|reading|hard work|time, money|expose|costs? money"
            r"|free of (?:charge|cost)",
            r"قارئین|قاری|وقت، پیسہ|وقت اور پیسہ|آزاد|غیر ?جانبدار",
            r"पाठकों|पाठक|समय, पैसा|समय और पैसा|स्वतंत्र|निष्पक्ष|निर्भीक",
            r"القراء|قراءنا|مستقلة|المستقلة|مستقل",
        ),
    )
)

TRADE = MATTERS[2:4]  #: journalism, and those who do it

LABEL = regex.compile(
    r"\W*(?:also[ -]read|read also|must read|read more|read next|read full|more (?:on|from) (?:this|us|our)"
    r"|related(?: (?:news|stories|articles?|posts?|reading|topics))?(?= ?:|$)"
    r"|recommended(?: for you)?(?= ?:|$)|you (?:may|might) also like|trending(?: now)?(?= ?:|$)"
    r"|more stories|latest news(?= ?:|$)|tags? ?:|topics? ?:|filed under|share (?:this|on|via)"
    r"|share(?= ?:|$)|follow us|advertisement|sponsored|scroll to continue|story continues below"
    r"|click to (?:share|e-?mail|print)|like this(?= ?:|$)|like loading|loading(?=\W*$)|choose (?:a|your) plan"
    r"|(?:read|watch|see|listen|in pics|in pictures|explained|opinion|don['’]t miss|do not miss|also (?:watch|see|listen))(?= ?[|:–—-])"
    r"|most (?:read|popular|viewed|shared)(?=\W*$)|editor['’]?s['’]? picks?(?=\W*$)|you may have missed"
    r"|about the (?:author|writer)|disclaimer(?= ?:|$)|(?:accept|reject|manage)(?: all)?(?: cookies)?(?=\W*$)"
    r"|(?:\d+ |post )?(?:comments|views)(?= ?(?:\d|:|$))|terms of (?:use|service)|privacy policy|report an error"
    r"|listen to this (?:article|story)|back to top"
    r"|your e-?mail address will not be published|required fields are"
    r"|leave a (?:comment|reply)|post a comment|comments(?= ?:|$)|previous (?:article|post)"
    r"|next (?:article|post)|print(?= ?(?:this|:|$))|dear readers?(?=\W*$)|whats ?app channel"
    r"|(?:our )?(?:whatsapp|telegram) (?:group|channel)(?: link)?(?= ?:|$)"
    r"|thank you for (?:reading|your support)|thanks for reading"
    r"|یہ بھی (?:پڑھیں|پڑھیے|پڑھئے|دیکھیں)|مزید (?:پڑھیں|خبریں|پڑھیے)|متعلقہ خبریں|شیئر کریں|اشتہار(?=\W*$)"
    r"|جملہ حقوق|ہمیں فالو کریں|(?:یہ|اس) (?:خبر|مضمون|رپورٹ|تحریر)(?: کو)?\b.{0,40}شی?[ئی]ر (?:کریں|کیجئے|کیجیے)"
    r"|اپنی رائے (?:کا اظہار|دیں|دیجیے)|تبصرہ کریں"
    r"|(?:यह|ये|इसे) भी (?:पढ़ें|पढ़ें|पढ़े|देखें)|और (?:पढ़ें|पढ़ें)|संबंधित (?:खबरें|ख़बरें|समाचार)|शेयर करें|विज्ञापन(?=\W*$)"
    r"|सर्वाधिकार|हमें फॉलो करें|(?:यह|ये|इस) (?:खबर|ख़बर|लेख|रिपोर्ट|स्टोरी)(?: को)?\b.{0,40}शेयर (?:करें|कीजिए)"
    r"|अपनी राय दें|टिप्पणी करें"
    r"|اقرأ(?:وا)? (?:أيضا|أيضاً|أيضًا|المزيد|ايضا)|(?:أخبار|مواضيع|مقالات) ذات صلة|شارك(?:وا)? (?:المقال|الخبر|على)"
    r"|جميع الحقوق|إعلان(?=\W*$)|تابعو?نا)(?![\p{L}\p{M}])",
    _FLAGS,
)

#: Who owns the page; never a sentence of a story.
OWNERSHIP = regex.compile(
    r"(?:[^\w©(]|\((?!c\))|all content |content )*+(?:©|\(c\) ?\d{4}|copyright\W*(?:\(c\)|\d{4}|by\b|reserved\b|$)|all rights reserved\b|جملہ حقوق|सर्वाधिकार|جميع الحقوق)"
    r"|.{0,80}(?:all rights reserved|جملہ حقوق .{0,20}محفوظ|सर्वाधिकार सुरक्षित|جميع الحقوق محفوظة)\W*$",
    _FLAGS,
)

_CURRENCY = (
    r"(?:Rs\.?|PKR|INR|USD|US\$|EUR|GBP|AED|SAR|BDT|Tk\.?|[$€£₹৳﷼]|rupees?|dollars?|euros?|pounds?"
    r"|روپے|روپیہ|روپئے|ڈالر|रुपये|रुपए|रुपया|रु\.?|रू\.?|डॉलर|دولار(?:ا|اً)?|ريال(?:ا|اً)?|درهم(?:ا|اً)?|جنيه(?:ا|اً)?|دينار(?:ا|اً)?)"
)
_NUMBER = r"\p{Nd}[\p{Nd}.,٬٫]*+(?:/-)?"
AMOUNT = regex.compile(
    rf"(?<![\p{{L}}\p{{M}}])(?:{_CURRENCY} ?{_NUMBER}|{_NUMBER} ?{_CURRENCY})", _FLAGS
)
PERIOD = _words(
    r"monthly|yearly|annual(?:ly)?|lifetime|weekly|quarterly|one[ -]time|(?:a|per|every|each) (?:month|year|week|day)"
    r"|(?:\d+|one|three|six|twelve) (?:months?|years?)|/ ?(?:month|year|mo|yr)",
    r"ماہانہ|سالانہ|تاحیات|فی ماہ|ہفتہ وار|یکمشت|ایک بار",
    r"मासिक|वार्षिक|सालाना|आजीवन|प्रति माह|प्रति वर्ष|हर महीने|साप्ताहिक|एकमुश्त",
    r"شهري(?:ا|اً|ًا)?|سنوي(?:ا|اً|ًا)?|مدى الحياة|أسبوعي(?:ا|اً|ًا)?|في الشهر|في السنة|كل شهر",
)
#: What leads up to a request: “Got a tip?”
LURE = regex.compile(
    r"\W*(?:have|got|want|wish|like|liked|love|enjoy\w*|interested|looking|(?:do|are|did|have) you)\b[^.!?]{2,70}\?\W*$",
    _FLAGS,
)
#: What a tier in a price list is called, the period apart.
TIER = regex.compile(
    r"\W*(?:basic|plus|premium|pro|standard|student|regular|supporter|patron|friend|member)\b",
    _FLAGS,
)
BARE_ACTION = regex.compile(
    r"\W*(?:(?:please|kindly) (?:contribute|donate|subscribe|support|help|give|join|share)|(?:please |kindly )?(?:act|join|subscribe|donate|buy|order|pay|sign up|register|apply|download|shop|give|contribute|support us|support)"
    r"(?: (?:now|here|today|us|free|generously|monthly))+|(?:will|would|can|could) you (?:help|support|join) us"
    r"|subscribe|donate|share|sign up|chip in(?: today| now)?|click here|tap here|learn more|know more"
    r"|(?:pay|give|chip in|contribute) (?:what|whatever) you (?:can|want|like)|buy (?:us|me) a (?:coffee|chai|tea)"
    r"|become (?:a|an|our) (?:paying |monthly )?(?:member|patron|subscriber|supporter)(?: today| now)?"
    r"|(?:turn on|enable|allow)(?: push)? notifications|never miss (?:a|an|any) (?:story|update|news)"
    r"|(?:follow|find|join|like|watch) [\w ]{2,40} on (?:(?:whats ?app|telegram|google news|facebook|twitter|instagram|youtube|linkedin|x|signal)"
    r"(?:, and | and | or |, | ?& ?)?)+|like this|(?:like )?loading"
    r"|read more|see more|load more|buy now|support us|join us|whats ?app|telegram|facebook|twitter"
    r"|e-?mail|copy link|print|linkedin|reddit|pinterest|monthly|yearly|annual|lifetime|weekly"
    r"|ابھی (?:شامل ہوں|جوائن کریں|سبسکرائب کریں)|ماہانہ|سالانہ|تاحیات"
    r"|अभी (?:जुड़ें|जुड़ें|सब्सक्राइब करें|दान करें)|मासिक|वार्षिक|आजीवन"
    r"|(?:انضم|اشترك|تبرع|سجل) الآن|شهريا|سنويا|شهري|سنوي)\W*$",
    _FLAGS,
)
PLATFORMS = regex.compile(
    r"(?:\W*(?:share|on|via|follow|us|and|or|facebook|twitter|x|whats ?app|telegram|e-?mail|linkedin"
    r"|reddit|pinterest|instagram|youtube|copy|link|print|tumblr|messenger|threads|tweet"
    r"|فیس بک|ٹوئٹر|واٹس ایپ|شیئر|फेसबुक|ट्विटर|व्हाट्सएप|शेयर|فيسبوك|تويتر|واتساب|تلغرام)\b){2,}\W*$",
    _FLAGS,
)
LINK = regex.compile(
    r"https?://|www\.|\bt\.me/|chat\.whatsapp\.com|wa\.me/|[\w.+-]+@[\w-]+\.\w", _FLAGS
)
#: “Telegram: t.me/valley”, “WhatsApp channel – https://…”
ACCOUNT = regex.compile(
    r"\W*(?:(?:our|on|the) )*(?:whats ?app|telegram|facebook|twitter|x|instagram|youtube|signal|e-?mail|website|web"
    r"|واٹس ?ایپ|ٹیلی ?گرام|فیس ?بک|व्हाट्स ?[एऐ]प|टेलीग्राम|फेसबुक|واتساب|تلغرام|فيسبوك)"
    r"(?: (?:channel|group|page|handle|گروپ|چینل|ग्रुप|चैनल))?(?: link)?\W*[:|–—-]\W*"
    r"(?:https?://|www\.|t\.me/|wa\.me/|chat\.|whatsapp\.com|[\w.-]*@|\+?\d[\d ()-]{6,})\S*\W*$",
    _FLAGS,
)
#: Where money is to be paid; a sentence about a fund's account has a full stop.
PAYMENT = regex.compile(
    r"\W*(?:(?:scan(?: (?:to pay|&amp; pay|and pay|the qr code))?|donate|pay|contribute|support us)\b[^.]{0,40})?"
    r"(?:(?:upi|paytm|g(?:oogle )?pay|phonepe|jazzcash|easypaisa|iban|ifsc|a/c|bank|account|swift|یو پی آئی|यूपीआई)"
    r"(?: (?:id|no|number|name|details|code|transfer))*\.?\W*[:|–—-]|[\w.-]+@(?:ok\w+|upi|ybl|ibl|axl|apl|paytm)\b)"
    r"|\W*pay (?:via|with|using|by|through) \w+\W*$|.*\bIFSC\b\W*(?:code)?\W*[A-Z]{4}0\w+",
    _FLAGS,
)

_AGENCIES = (
    r"(?:PTI|ANI|IANS|UNI|KNO|KNS|GNS|CNS|KDC|JKNS|APP|NNI|INP|Online|Reuters|AFP|AP|BBC|DPA|Xinhua|Anadolu|AA|Bloomberg"
    r"|(?:news )?(?:agenc(?:y|ies)|bureau|desk)|agency|wires?|staff(?: reporters?)?|correspondents?|bureaus"
    r"|پی ٹی آئی|اے پی پی|اے ایف پی|یو این آئی|رائٹرز|ایجنسیاں|ایجنسی|ایجنسیز"
    r"|भाषा|पीटीआई|एएनआई|आईएएनएस|वार्ता|एजेंसी|एजेंसियां|रॉयटर्स|एपी|एएफपी"
    r"|وكالات|رويترز|أ ف ب|الأناضول|واس|أسوشيتد برس)"
)
#: Who wrote, whose wire, whose picture, when: a line (or bracket) that says no more.
CREDIT = regex.compile(
    rf"\W*(?:(?:with|and) (?:\w+ ){{0,2}}?(?:inputs?|agency reports?)(?: (?:from|by|of)\b.{{1,80}})?"
    rf"|with {_AGENCIES} inputs?|(?:inputs?|source|via|इनपुट|स्रोत|بشکریہ|ماخذ|المصدر) ?: ?.{{1,50}}"
    rf"|{_AGENCIES}(?:(?: ?[,/&+-] ?| and | with | اور | और | و)\s*{_AGENCIES})*(?: (?:inputs?|इनपुट)(?: के साथ)?)?"
    r"|(?:additional )?(?:reporting|writing|editing|compiled|edited) by\b.{1,120}"
    r"|(?:photo|photograph|picture|image|pic|photo courtesy|file photo|representational (?:image|photo|picture)|video|illustration|graphic)s?"
    r"(?: credits?| by| courtesy| source)? ?[:|/] ?.{1,60}|(?:representational|file) (?:image|photo|picture)"
    r"|(?:first |last |originally )?(?:published|updated|posted|modified)(?: on| at| by)? ?:? ?(?:on |at )?"
    r"(?=.{0,40}\d{4}|.{0,20}\d{1,2}:\d\d).{1,60}"
    r")\W*$",
    _FLAGS,
)
#: What the page says of the text, of its author or of itself.
NOTICE = regex.compile(
    r"\W*(?:this (?:story|article|report|copy|news)\b.{0,60}\b(?:syndicated|auto-?generated|wire|agency feed|without (?:any )?(?:modifications?|edits?)|first appeared|originally (?:appeared|published))"
    r"|(?:please )?help us (?:keep|continue|tell|stay|fund|grow|survive|report|bring)\b"
    r"|(?:reproduction|republication|copying) .{0,80}(?:prohibited|permission)\b"
    r"|(?:quality|good|independent|honest|fearless|real) journalism (?:takes|costs|needs|requires|is not|isn['’]t)\b"
    r"|معیاری صحافت .{0,60}(?:لگت|درکار|ضرورت)|गुणवत्तापूर्ण पत्रकारिता .{0,60}(?:लगत|ज़रूरत|जरूरत)"
    r"|except for the headline\b|you have (?:read|reached|used|viewed) .{0,30}(?:articles?|stories|limit)"
    r"|(?:to .{3,60}, )?we need your (?:\w+ )?(?:support|help|donations?|contributions?)"
    r"|ہمیں آپ ?کی? .{0,40}(?:مدد|تعاون|حمایت|عطیات|سہارے) ?کی ضرورت|हमें आप ?की? .{0,40}(?:मदद|सहयोग|समर्थन|सहायता) की (?:ज़रूरत|ज़रूरत|जरूरत|आवश्यकता)"
    r"|(?:the )?(?:views?|opinions?)(?: and opinions)?(?: expressed)?(?: \w+){0,6} (?:personal|(?:the |those of the )?(?:author|writer|columnist)['’]?s?)\b"
    r"|(?:the )?(?:author|writer|columnist)s? (?:is|are|was|works?|teaches|writes|can be|tweets)\b(?=.{0,200}(?:\bviews?\b|reached|tweets|@|based|journalist|columnist|reporter|editor|correspondent|professor|researcher|scholar|analyst|advocate|student|contributor|teaches))"
    r"|[\p{Lu}][\p{L}.'’-]+(?: [\p{Lu}][\p{L}.'’-]+){0,3} (?:is|was) (?:a|an|the)\b(?=.{0,100}\b(?:reporter|correspondent|journalist|editor|columnist|writer|contributor|author)\b)(?=.{0,200}(?:\btweets\b|can be reached|@|\bcovers\b|views (?:are|expressed)))"
    r"|(?:we use|(?:this|our) (?:web)?site uses|by (?:continuing|using)[^.]{0,60}) cookies|by (?:continuing|using) (?:to )?(?:this|our|browse|use)\b"
    r"|.{0,80}(?:مصنف|مضمون نگار|کالم نگار).{0,40}ذاتی (?:رائے|خیالات)|.{0,60}ادارے کا .{0,20}متفق ہونا"
    r"|.{0,80}(?:लेखक|लेखिका).{0,40}(?:निजी|व्यक्तिगत) (?:विचार|राय)|.{0,40}ये (?:लेखक|उनके) के निजी विचार"
    r"|.{0,60}(?:المقال|الآراء).{0,40}(?:رأي|تعبر عن رأي|لا تعبر) )",
    _FLAGS,
)

WITNESS = _words(
    r"said|says|told|tells|added|noted|asked|tweeted|announced|according to|stated|claimed"
    r"|the \w+ (?:reads?|pleaded|shouted)|alleged|wrote|urged|reported|argued|warned|replied|appealed|held|ruled|advised?|police|court|minister",
    r"کہا|بتایا|کے مطابق|پولیس|عدالت|وزیر|ترجمان|اعلان کیا|الزام|اپیل|نے",
    r"कहा|बताया|के अनुसार|के मुताबिक|पुलिस|अदालत|मंत्री|प्रवक्ता|घोषणा|आरोप|अपील|ने",
    r"قال|قالت|وقال|وقالت|أعلن|أعلنت|صرح|أضاف|وأضاف|وفقا|وفقًا|بحسب|الشرطة|المحكمة|وزير|الوزير",
)
NARRATIVE = _words(
    r"was|were|had|has been|have been|will be|would|did",
    r"تھا|تھے|تھی|تھیں|گیا|گئے|گئی",
    r"था|थे|थी|थीं|गया|गए|गई",
    r"كان|كانت|كانوا|تم|تمت",
)
QUOTATION = regex.compile(r"[“”«»\"]|(?<!\p{L})‘")
#: Words somebody else said or wrote: neither newsroom nor reader is meant by them.
QUOTED = regex.compile(
    r"“[^“”]*+”|«[^«»]*+»|\"[^\"]*+\"|’’[^‘’]*+‘‘|(?<!\p{L})‘[^‘’]*+’(?!\p{L})"
)
