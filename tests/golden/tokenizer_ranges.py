#!/usr/bin/env python3
"""Character tables of model/tokenizer/normalizer_ranges.c, as Hugging Face's tokenizers has them.

usage: tokenizer_ranges.py --write | --check
Asks the reference about every code point. Two tables are kept by hand, since they say where utf8proc differs
from the reference: undecomposed and more_words (tests/unit/model/tokenizer/normalizer.c checks them).
"""

import os
import re
import sys

from tokenizers import normalizers, pre_tokenizers

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/tokenizer/normalizer_ranges.c")
TABLE = r"static const struct char_range %s\[\] = \{(.*?)\};"


def bert(**options):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **options})


def reorders(nfd, c):
    """Whether a mark of the highest class, or one of the lowest, changes places with it."""
    return nfd.normalize_str("a\u0345" + c) == "a" + c + "\u0345" or \
        nfd.normalize_str("a" + c + "\u0334") == "a\u0334" + c


def tables():
    clean, strip = bert(clean_text=True), bert(strip_accents=True)
    chinese, nfd, split = bert(handle_chinese_chars=True), normalizers.NFD(), pre_tokenizers.BertPreTokenizer()
    out = {name: set() for name in ("removed", "white", "chinese", "marks", "punctuation", "reordered")}
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        c = chr(code)
        if clean.normalize_str(f"a{c}b") == "ab":
            out["removed"].add(code)
        if chinese.normalize_str(c) != c:
            out["chinese"].add(code)
        marked = strip.normalize_str(c) == ""
        if marked:
            out["marks"].add(code)
        elif nfd.normalize_str(c) == c and reorders(nfd, c):
            out["reordered"].add(code)
        pieces = len(split.pre_tokenize_str(f"a{c}b"))
        if pieces == 2:
            out["white"].add(code)
        elif pieces == 3:
            out["punctuation"].add(code)
    return out


def ranges(codes):
    out = []
    for code in sorted(codes):
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def main():
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    with open(PATH) as f:
        text = f.read()
    bad = 0
    for name, codes in tables().items():
        body = re.search(TABLE % name, text, re.S)
        have = [[int(a, 16), int(b, 16)] for a, b in re.findall(r"\{0x(\w+), 0x(\w+)\}", body.group(1))]
        if sys.argv[1] == "--check":
            bad += have != ranges(codes)
            print(f"normalizer_ranges.c, {name}: {'same' if have == ranges(codes) else 'DIFFERS'}")
            continue
        rows = ", ".join("{0x%04X, 0x%04X}" % (a, b) for a, b in ranges(codes))
        text = text[:body.start(1)] + "\n" + rows + ",\n" + text[body.end(1):]
    if sys.argv[1] == "--write":
        with open(PATH, "w") as f:
            f.write(text)
        os.system(f"clang-format -i {PATH}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
