#!/usr/bin/env python3
"""Write what the published tokenizer makes of many texts, for test_tokenizer.

    make_goldens.py CLIP_SURGERY_DIR ASSETS_DIR OUT_DIR      (needs ftfy and regex)

CLIP_SURGERY_DIR is a checkout of xmed-lab/CLIP_Surgery. Each line of the two outputs is a JSON array: the text, then its ids.
  clip_tokens.jsonl  the published SimpleTokenizer, cut at 77 as the published tokenize(truncate=True) does
  demo_tokens.jsonl  the same code over the demo model's merges.txt and vocab.json, context 32
Texts that ftfy takes for mojibake and re-decodes are left out: that repair is not wanted here.
"""
import importlib.util, itertools, json, os, sys
import ftfy

surgery, assets, out = sys.argv[1:4]
spec = importlib.util.spec_from_file_location("simple_tokenizer", os.path.join(surgery, "clip/simple_tokenizer.py"))
published = importlib.util.module_from_spec(spec)
spec.loader.exec_module(published)
clip = published.SimpleTokenizer()


def lines(name):
    return open(os.path.join(assets, name), encoding="utf-8").read().splitlines()


templates, pascal = lines("templates.txt"), lines("labels/pascal59.txt")
TEXTS = [t.replace("{}", n) for t, n in zip(templates, itertools.cycle(pascal))]
TEXTS += lines("labels/coco80.txt")[::5] + lines("labels/voc20.txt") + lines("labels/imagenet1000.txt")[::25]
TEXTS += [
    "", " ", "   \t\n  ", "\u3000", "a", "A", "DOG", "a  dog\tand\n\na cat ", "\r\nline\r\nend\rof\u2028text\u2029here",
    # letters beyond ASCII
    "Straße", "STRASSE GROẞ", "İstanbul'da bir kedi", "ıI iİ", "ΟΔΥΣΣΕΥΣ", "ΣΑΣ Σ ΑΣ. ΑΣ'Α ΑΣ\u00b7", "Ὀδυσσεύς", "Привет, МИР!", "Ёлка ёж",
    "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "今日は良い天気ですね", "狗和猫", "한국어 텍스트", "한국",
    "日本語とEnglishの混在", "ﾊﾝｶｸ ｶﾀｶﾅ ﾊﾟﾋﾟﾌﾟ", "ｆｕｌｌｗｉｄｔｈ ＴＥＸＴ １２３！？", "Ⅻ ⅷ ① ② ½ ¾ ² ³", "٣٤٥ ४५६ 万一", "ªº ⓐⒶ",
    "crème brûlée", "cre\u0300me bru\u0302le\u0301e", "e\u0301\u0323 \u0323\u0301e a\u0315\u0300\u05ae\u0062", "naïve façade", "ÅÅ\u212bA\u030a", "\u1e9b\u0323",
    "ǅ ǆ Ǆ Ǳ ǲ ŉ Ĳ ĳ", "ﬁne ﬂour eﬃcient waﬄe ﬀ ﬅ ﬆ", "æ œ Æ Œ ø đ ł", "ſtraſſe 'ſ <|ſtartoftext|>", "a\u0345b \u0345", "K Å Ω",
    # quotes, dashes, contractions
    "“curly” ‘quotes’ ‚low‛ „double‟", "it’s we’re I’ve I’m they’ll he’d don’t", "IT'S WE'RE I'VE I'M THEY'LL HE'D DON'T", "rock 'n' roll 'tis o'clock",
    "''s 's''re're", "dog's dogs' '", "en–dash em—dash hy-phen ‐ ‑", "wait… what…?", "«guillemets» ‹single›", "ʼnow", "`tick´",
    # digits, underscores, punctuation
    "1234567890", "3.14159", "a1b2c3", "snake_case __init__ _", "foo_bar-baz.qux", "!!!???...,,,", "C++ C# F*** @user #tag $5 50% ^_^", "a/b\\c|d~e", "(parentheses) [brackets] {braces}",
    "e-mail: someone@example.org", "{}", "price: €5 £6 ¥7 ₹8", "x²+y²=z²", "→ ← ↑ ↓ ∞ ≠ ≤", "\u00a0nbsp\u00a0between\u2009thin\u200azero\u200bwidth",
    # emoji and joiners
    "😀", "a 🐶 dog", "👩‍👩‍👧‍👦 family", "👍🏽 👩🏿‍🚀", "🇩🇪🇫🇷", "❤️ ❤", "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", "☕️☀️", "\u200ejoin\u200fed\u200d", "\ufeffBOM first",
    # controls and terminal escapes
    "bell\x07 back\x08 del\x7f", "\x1b[31mred\x1b[0m text", "\x1b[1;32;4mbold\x1b[", "a\x0bb\x0cc", "\x01\x02\x03", "a\x1cb\x1dc\x1ed\x1fe", "\ufff9a\ufffab\ufffb \ufffc", "\u206adeprecated\u206f",
    # references
    "&amp;", "&amp;amp;", "&amp;amp;amp;amp;", "&lt;b&gt;bold&lt;/b&gt;", "<b>&lt;i&gt;</b> &EACUTE;", "caf&eacute; P&EACUTE;REZ", "caf&eacute au lait", "&notit; &notin; &not", "&copy;2020 &reg &trade;",
    "&#39;s &#x27;s &#8217;s", "&#128;&#129;&#150;&#159;", "&#0; &#xD800; &#1114112; &#99999999999;", "&#7;&#13;&#10;&#9;x", "&#xFFFE;&#x1FFFF;&#xFDD0;!", "&#;&#x;&;& &amp", "&nbsp;&ensp;&zwj;x",
    "&SZLIG; &NAPOS; &FFILIG;", "&CounterClockwiseContourIntegral;", "&abcdefghijklmnopqrstuvwxyzabcdefghijklmnop;", "&bne; &acE; &fjlig;", "&quot;quoted&quot; &apos;s", "AT&T R&D Q&A", "a&lt b&gt", "&#59;&#38;amp;",
    "first &EACUTE;\nsecond <b> &EACUTE;\nthird &EACUTE;", "&GT;&LT;&QUOT;&AMP;", "&Aacute;&aacute;&AACUTE;", "&ThickSpace;|&hairsp;|&NewLine;|&Tab;|",
    # special tokens in a text
    "<|startoftext|>", "<|endoftext|>", "a <|endoftext|> b", "<|STARTOFTEXT|>dog<|EndOfText|>", "<|startoftext|", "!<|endoftext|>",
    # long
    "a photo of a dog " * 12, "word " * 75, "word " * 76, "supercalifragilisticexpialidocious " * 9, "a" * 300, "ha" * 200, "!" * 500, "🐶" * 40, "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "0123456789" * 9, "The quick brown fox jumps over the lazy dog. " * 8,
]

CONFIG = ftfy.TextFixerConfig(explain=False)
kept = [t for t in dict.fromkeys(TEXTS) if ftfy.fix_text(t, CONFIG) == ftfy.fix_text(t, CONFIG._replace(fix_encoding=False))]
print(f"{len(kept)} texts; left out as mojibake: {[t for t in dict.fromkeys(TEXTS) if t not in kept]}")


def write(name, tokenizer, context):
    start, end = tokenizer.encoder["<|startoftext|>"], tokenizer.encoder["<|endoftext|>"]
    with open(os.path.join(out, name), "w") as f:
        for text in kept:
            ids = [start, *tokenizer.encode(text), end]
            if len(ids) > context:
                ids = ids[:context - 1] + [end]
            f.write(json.dumps([text, *ids], separators=(",", ":")) + "\n")


write("clip_tokens.jsonl", clip, 77)
demo = published.SimpleTokenizer()
demo.encoder = json.load(open(os.path.join(assets, "demo-model/vocab.json"), encoding="utf-8"))
demo.bpe_ranks = {tuple(m.split()): i for i, m in enumerate(lines("demo-model/merges.txt")[1:])}
demo.cache = {"<|startoftext|>": "<|startoftext|>", "<|endoftext|>": "<|endoftext|>"}
write("demo_tokens.jsonl", demo, 32)
