"""Where sentences end, in four languages."""

from __future__ import annotations

import pytest

from bot.formatter.sentences import split


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Khan met Gen. Bajwa in the U.S. on Jan. 3.", "He left."],
        ["Rs. 1.5 crore was paid at 3.12 p.m.", "The U.S.", "The end."],
        ["It cost Rs 4.2 crore.", "No. 5 of 6 was lost.", "He said no.", "Yes."],
        ["J. K. Rowling wrote it.", "Prof. A. Q. Dar read it."],
        ["He joined Tata Sons Ltd. in May.", "He left it on Feb. 3."],
        ["“We are trying. We are committed,” Mujahid tweeted.", "He left."],
        ["“Is it over?” Asif asked.", "“Yes!”", "Nobody moved."],
        ['"He came. He saw," she said.', '"We won."', "They left."],
        ["He (the minister. Not his aide) left.", "Then it rained."],
        ["Really?!", "Yes...", "No."],
        ["border … we stand ready.", "Ok."],
        ["1. The court ruled.", "It rose."],
        ["a. First."],
        ["“Ann.", "Bee.", "Cee" + " d" * 400 + "”."],
        ["(((( ann.", "Bee.", "Cee."],
        ["It ended) here.", "Yes."],
        ["The site example.com is down.", "Version 2.0 is out."],
        ["He won 3-2.", "She lost."],
        ["وزیر نے کہا۔", "ڈاکٹر خان آئے۔", "کیا ہوا؟", "پی۔ٹی۔آئی نے کہا۔"],
        ["انہوں نے کہا کہ ’’یہ شہر ہے۔ روشنی چاہیے۔‘‘", "نئے اوقات۔"],
        ["ایم۔ اے۔ جناح روڈ بند ہے۔", "بارش ہوئی۔"],
        ["डॉ. खान ने कहा कि 1.5 करोड़ रु. दिए गए।", "क्या हुआ?", "पता नहीं।"],
        ["उन्होंने कहा, “हम आएंगे। हम लड़ेंगे।”", "वे गए।"],
        ["قال د. خالد إن 3.5 مليون.", "وأضاف م. علي: هل؟", "نعم."],
        ["قال «نحن هنا. نحن باقون».", "ثم غادر."],
        ["He said “go.”", "She said ‘no.’", "(It rained.)", "[He shivered.]", '"Yes."'],
        ["“He is ‘done.’”", "He said “it is over”.", "They left."],
        [
            "وزیر نے کہا ’’ہم لڑیں گے۔‘‘",
            "پھر وہ چلے گئے۔",
            "(یہ سچ ہے۔)",
            "«ہاں۔»",
            "بس۔",
        ],
        ["اس نے کہا ”ہم آئیں گے۔ ہم لڑیں گے۔“", "وہ گیا۔", "اس نے کہا ’سچ‘۔", "ختم۔"],
        ["(اس نے کہا ’’ہم لڑیں گے۔‘‘)", "اس نے کہا ’’ٹھیک ہے‘‘۔", "وہ گیا۔"],
        ["उन्होंने कहा, “हम लड़ेंगे”।", "‘हम जीतेंगे।’", "(यह सच है।)", "बस।"],
        ["See the map.", "https://other.example/a has more.", "www.other.example too."],
        ["他来了。", "她走了！", "真的？"],
    ],
)
def test_sentences(sentences):
    assert split(" ".join(sentences)) == sentences


def test_a_blank_is_not_needed_after_an_urdu_stop():
    assert split("بارش ہوئی۔سب گئے۔") == ["بارش ہوئی۔", "سب گئے۔"]


def test_an_urdu_stop_abbreviates_nothing_elsewhere():
    assert split("म۔ ب۔", "hi") == ["म۔", "ب۔"]
    assert split("پی۔ ٹی۔", "en") == ["پی۔", "ٹی۔"]


def test_nothing_holds_no_sentence():
    assert split("") == []
    assert split(" ") == []
