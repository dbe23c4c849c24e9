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
    r"(?:\W*(?:please|kindly|so|and|now|or|also|dear readers?|to|for more[^,]{0,30})\b)*"
    r"\W*(?:"
    r"(?:click|tap|press|scan)\b(?= (?:here|on|the|below|this|link))"
    r"|follow (?:this|the) link|follow us|follow our|follow @|follow [\w ]{2,30} on (?:\w+)$"
    r"|join (?:us|our|now|here|the conversation|[\w ]{2,40} on (?:whatsapp|telegram))"
    r"|join (?:the |[\w']+ )?[\w ]{0,30}(?:whatsapp|telegram|channel|group|newsletter)"
    r"|subscribe|sign[ -]?up|register (?:now|here|for)|log in|download (?:our|the|now)"
    r"|donate|contribute|chip in|pitch in|give (?:now|today|monthly)|pay (?:now|what)"
    r"|support (?:us|our|the|independent|quality|free|local|fearless|honest|public"
    r"|good|journalism|(?!for\b|of\b|from\b)[\w ]{2,30} journalism)"
    r"|become (?:a|our)|be (?:a )?part of|help (?:us|keep|fund|support)|stand with us"
    r"|share this|share (?:on|via|the (?:story|article|news|post))"
    r"|like us|like (?:our|and)|get (?:the|our|all|latest|breaking|daily|news)"
    r"|you can (?:help|support|join|donate|contribute|subscribe)"
    r"|(?:will|would|can|could) you (?:help|support|join|consider|donate|chip|give)"
    r"|(?:every|any|each) (?:contribution|donation|subscription|rupee|dollar|gift)"
    r"|get [\w ]{2,30} on (?:whatsapp|telegram)"
    r"|stay (?:ahead|updated|connected|informed|tuned|in touch)|never miss|don['’]t miss"
    r"|read (?:more|also|the full|next)|also read|watch (?:also|more|our|the video)"
    r"|visit (?:our|us)|check out our|find us|contact us|write to us|send us"
    r"|act now|make a (?:donation|contribution)|consider (?:donating|supporting|making)"
    r"|if you (?:like|value|appreciate|enjoy|believe|found|want)|advertise with"
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
    r"(?:رکن|ممبر) بن(?:یں|یے|ئیے)",
    r"جڑ(?:یں|نے کے ?لیے|نے کے ?لئے)",
    # Hindi
    r"क्लिक (?:करें|कीजिए|करे)",
    r"जुड़(?:ें|िए|ने के ?लिए)",
    r"जुड़(?:ें|िए|ने के ?लिए)",
    r"(?:ज्वाइन|ज्वॉइन|जॉइन|सब्सक्राइब|सब्स्क्राइब|फॉलो|फ़ॉलो|शेयर|डाउनलोड|लाइक|रजिस्टर|विजिट)"
    r" (?:करें|कीजिए|करने)",
    r"(?:दान|चंदा|सहयोग|मदद|समर्थन|योगदान|सहायता|साथ) (?:करें|दें|कीजिए|दीजिए)",
    r"सदस्य बन(?:ें|िए)",
    # Arabic; the singular forms are also “he joined”, “he took part”
    r"انضم(?:وا|ّ?ي)?(?: الآن)?(?= (?:إلى|الى|إلينا|لنا|معنا|ل))",
    r"للانضمام|للاشتراك|للتبرع|للمتابعة|لمتابعتنا",
    r"اشترك(?:وا|ي)?(?= (?:في|الآن|معنا|مقابل|ب))",
    r"تابعو?نا|شاركو?نا|زوروا|زورونا",
    r"(?:اضغط|إضغط|انقر|أنقر)(?:وا|ي)?(?= (?:هنا|على))",
    r"تبرع(?:وا|ي)(?: الآن)?|تبرع الآن|ساهموا|ساهم معنا",
    r"ادعم(?:وا|ونا|نا)?|شارك(?:وا)? (?:المقال|الخبر|هذا)|حمّ?ل(?:وا)? (?:تطبيق|التطبيق)",
)

PERSON = _words(
    r"we|us|our|ours|you|your|yours",
    r"ہم|ہمیں|ہمارے|ہمارا|ہماری|آپ|آپکا|آپکی|اپنے|اپنا|اپنی",
    r"हम|हमें|हमारे|हमारा|हमारी|आप|आपका|आपके|आपकी|अपना|अपने|अपनी",
    r"لنا|معنا|بنا|إلينا|نحن|[\p{L}]{3,}(?:اتنا|عتنا|ناتنا|فتنا|قعنا|لتنا)|قناتنا|مجموعتنا|عملنا"
    r"|دعمكم|دعمك|تبرعكم|تبرعاتكم|مساهمتكم|اشتراككم|تابعونا|تابعنا|ادعمونا|ادعمنا|شاركونا",
)

YOU = _words(r"you|your|yours", r"آپ|آپکا|آپکی", r"आप|आपका|आपके|आपकी", r"\p{L}+كم|دعمك")

MATTERS = tuple(
    _words(*patterns)
    for patterns in (
        (
            r"whats ?app|telegram|signal|facebook|twitter|instagram|youtube|google news",
            r"واٹس ?ایپ|وٹس ?ایپ|واٹساپ|وہاٹس ?ایپ|ٹیلی ?گرام|فیس ?بک|ٹوئٹر|یو ?ٹیوب|انسٹاگرام",
            r"व्हाट्स ?[एऐ]प|व्हाट्सअप|वॉट्स ?[एऐ]प|वाट्स ?[एऐ]प|वॉट्सअप|टेलीग्राम|टेलिग्राम|फेसबुक"
            r"|ट्विटर|यूट्यूब|इंस्टाग्राम",
            r"(?:ال|لل|ب|بال)?(?:واتس ?[اآأ]ب|واتساب|تلغرام|تلجرام|تيليجرام|تيليغرام|تليجرام|تليغرام"
            r"|فيسبوك|تويتر|يوتيوب)",
        ),
        (
            r"(?:channel|group|page|community|app|newsletter|website|e-?mails?|alerts?"
            r"|updates|notifications?|link|qr code)s?",
            r"گروپ|چینل|پیج|نیوز ?لیٹر|ویب ?سائٹ|ایپ|لنک|خبرنامہ|خبرنامے",
            r"ग्रुप|समूह|चैनल|पेज|न्यूज़ ?लेटर|न्यूज ?लेटर|वेबसाइट|ऐप|लिंक",
            r"(?:ال|لل)?(?:مجموعة|قناة|صفحة|نشرة|رابط|تطبيق)|(?:ل|ب|و)?(?:مجموعتنا|قناتنا|صفحتنا"
            r"|نشرتنا|موقعنا|تطبيقنا)|النشرة",
        ),
        (
            r"journalis(?:m|ts?)|newsroom|media house|press freedom|free press",
            r"صحافت|صحافی|صحافیوں",
            r"पत्रकारिता|पत्रकार|पत्रकारों",
            r"(?:ال|لل|و)?(?:صحافة|صحافتنا|الصحافة|للصحافة|الصحفية|صحافيين)",
        ),
        (
            r"reporting|reporters?|editors?|stories|coverage|our (?:work|team|mission)",
            r"رپورٹنگ|رپورٹروں|ایڈیٹروں|ہمارے کام|خبریں|خبروں",
            r"रिपोर्टिंग|रिपोर्टर|संपादक|हमारे काम|खबरें|ख़बरें|खबरों",
            r"عملنا|مراسلونا|مراسلينا|أخبارنا|آخر الأخبار",
        ),
        (
            r"donat(?:e|es|ion|ions|ing)|contribut(?:e|es|ion|ions|ing)|crowdfund\w*"
            r"|support(?:ing|ers?)?|patrons?|funds|funding",
            r"عطیہ|عطیات|چندہ|چندے|تعاون|مالی مدد|مالی معاونت|حمایت",
            r"दान|चंदा|चंदे|सहयोग|योगदान|आर्थिक मदद|समर्थन",
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
            r"قارئین|قاری|آزاد|غیر ?جانبدار",
            r"पाठकों|पाठक|स्वतंत्र|निष्पक्ष|निर्भीक",
            r"القراء|قراءنا|مستقلة|المستقلة|مستقل",
        ),
    )
)

LABEL = regex.compile(
    r"\W*(?:also[ -]read|read also|must read|read more|read next|read full|more (?:on|from) (?:this|us|our)"
    r"|related(?: (?:news|stories|articles?|posts?|reading|topics))?(?= ?:|$)"
    r"|recommended(?: for you)?(?= ?:|$)|you (?:may|might) also like|trending(?: now)?(?= ?:|$)"
    r"|more stories|latest news(?= ?:|$)|tags? ?:|topics? ?:|filed under|share (?:this|on|via)"
    r"|share(?= ?:|$)|follow us|advertisement|sponsored"
    r"|leave a (?:comment|reply)|post a comment|comments(?= ?:|$)|previous (?:article|post)"
    r"|next (?:article|post)|print(?= ?(?:this|:|$))|dear readers?(?=\W*$)|whats ?app channel"
    r"|(?:our )?(?:whatsapp|telegram) (?:group|channel)(?: link)?(?= ?:|$)"
    r"|thank you for (?:reading|your support)|thanks for reading"
    r"|یہ بھی (?:پڑھیں|پڑھیے|پڑھئے|دیکھیں)|مزید (?:پڑھیں|خبریں|پڑھیے)|متعلقہ خبریں|شیئر کریں|اشتہار(?=\W*$)"
    r"|جملہ حقوق|ہمیں فالو کریں"
    r"|(?:यह|ये|इसे) भी (?:पढ़ें|पढ़ें|पढ़े|देखें)|और (?:पढ़ें|पढ़ें)|संबंधित (?:खबरें|ख़बरें|समाचार)|शेयर करें|विज्ञापन(?=\W*$)"
    r"|सर्वाधिकार|हमें फॉलो करें"
    r"|اقرأ(?:وا)? (?:أيضا|أيضاً|أيضًا|المزيد|ايضا)|(?:أخبار|مواضيع|مقالات) ذات صلة|شارك(?:وا)? (?:المقال|الخبر|على)"
    r"|جميع الحقوق|إعلان(?=\W*$)|تابعو?نا)(?![\p{L}\p{M}])",
    _FLAGS,
)

#: Who owns the page; never a sentence of a story.
OWNERSHIP = regex.compile(
    r"\W*(?:©|copyright\b|all rights reserved\b|جملہ حقوق|सर्वाधिकार|جميع الحقوق)"
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
BARE_ACTION = regex.compile(
    r"\W*(?:(?:act|join|subscribe|donate|buy|order|pay|sign up|register|apply|download|shop|give|contribute|support us|support)"
    r"(?: (?:now|here|today|us|free))+|(?:will|would|can|could) you (?:help|support|join) us"
    r"|subscribe|donate|share|sign up|chip in(?: today| now)?|click here|tap here|learn more|know more"
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
LINK = regex.compile(r"https?://|www\.|\bt\.me/|chat\.whatsapp\.com|wa\.me/", _FLAGS)

WITNESS = _words(
    r"said|says|told|tells|added|noted|asked|tweeted|announced|according to|stated|claimed"
    r"|the \w+ (?:reads?|pleaded|shouted)|alleged|wrote|urged|reported|argued|warned|replied|appealed|police|court|minister",
    r"کہا|بتایا|کے مطابق|پولیس|عدالت|وزیر|ترجمان|اعلان کیا|الزام|نے",
    r"कहा|बताया|के अनुसार|के मुताबिक|पुलिस|अदालत|मंत्री|प्रवक्ता|घोषणा|आरोप|ने",
    r"قال|قالت|وقال|وقالت|أعلن|أعلنت|صرح|أضاف|وأضاف|وفقا|وفقًا|بحسب|الشرطة|المحكمة|وزير|الوزير",
)
NARRATIVE = _words(
    r"was|were|had|has been|have been|will be|would|did",
    r"تھا|تھے|تھی|تھیں|گیا|گئے|گئی",
    r"था|थे|थी|थीं|गया|गए|गई",
    r"كان|كانت|كانوا|تم|تمت",
)
QUOTATION = regex.compile(r"[“”«»\"]|(?<!\p{L})‘")
