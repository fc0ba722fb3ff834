#!/usr/bin/env python3
"""Golden values of the tokenizer, as Hugging Face's tokenizers gives them (versions: requirements.txt).

usage: tokenizer.py --write | --check | --show N
--write makes tests/golden/tokenizer/ again, --check reports what would change, --show prints string N of
strings.tsv with the ids of every vocabulary. The two vocabularies of $ADRANK_TEST_DATA are needed.
"""

import json
import os
import random
import sys
import zlib

import tokenizer_strings as strings
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenizer")
DATA = os.environ.get("ADRANK_TEST_DATA", os.path.join(HERE, "../../../../shared"))
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# clean_text, handle_chinese_chars, strip_accents, lowercase
MODES = ["1111", "1100", "1101", "0111", "0010"]
STRATEGIES = ["longest_first", "only_first", "only_second"]
N_PAIRS = 1500


def digest(data):
    """The last 24 bits of CRC-32."""
    return b"%06x" % (zlib.crc32(data) & 0xFFFFFF)


def digest_ids(ids):
    return digest(b"".join(i.to_bytes(4, "little") for i in ids))


def normalizer(mode):
    clean, chinese, strip, lower = (c == "1" for c in mode)
    return normalizers.BertNormalizer(clean_text=clean, handle_chinese_chars=chinese, strip_accents=strip,
                                      lowercase=lower)


def make(vocab, **options):
    """What transformers' BertTokenizer makes of a vocab.txt and a tokenizer_config.json."""
    t = Tokenizer(WordPiece(vocab, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(**options)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in SPECIAL])
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(s, t.token_to_id(s)) for s in ("[CLS]", "[SEP]")])
    return t


def own_vocab():
    """A few hundred tokens of our own: letters, common words, word ends, Chinese characters."""
    tokens = SPECIAL + [c for c in strings.ASCII_PUNCTUATION + strings.WIDE_PUNCTUATION[:20]]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens += list(letters) + ["##" + c for c in letters] + list("ABCDEFGHIJKLMNOP")
    words = [w for w in strings.WORDS if w.isalpha()]
    tokens += words[:160] + [w.capitalize() for w in words[:20]]
    tokens += ["##" + s for s in "ing ed er est ness able ization under stand ab bab cc ir on er".split()]
    tokens += list(strings.CHINESE[:150]) + ["##鞋", "茶", "壶", "豈"]
    tokens += list("éàüñçßæøıſσςжяшдあいカ한국ᄒ\u1161\u11abא") + ["##é", "##ü", "##σ", "##\u1161", "##\u11ab",
                                                              "##я", "##\u0301", "##\u0307", "##İ"]
    tokens += ["É", "Ü", "İ", "Я", "№", "½", "😀", "👟", "##👟", "\u1e2f", "##\u1e000"]
    return list(dict.fromkeys(tokens))


def own_json(tokens):
    """A tokenizer.json with every flag of added tokens, cased but without accents, and short words."""
    t = make({s: i for i, s in enumerate(tokens)}, lowercase=False, strip_accents=True)
    t.model.max_input_chars_per_word = 12
    t.add_tokens([AddedToken("<brand>", normalized=True), AddedToken("onsale", single_word=True),
                  AddedToken("été", normalized=True), AddedToken("茶壶", normalized=True)])
    t.add_tokens([AddedToken("[SKU]", lstrip=True, rstrip=True, normalized=False),
                  AddedToken("big", normalized=False), AddedToken("biggest", normalized=False,
                                                                 single_word=True),
                  AddedToken(" hot", normalized=False, rstrip=True)])
    return t


def tokenizers():
    """Columns of ids in strings.tsv, in their order; None where the vocabulary is not at hand."""
    tokens = own_vocab()
    out = {"own": make({s: i for i, s in enumerate(tokens)}), "json": own_json(tokens)}
    for short, name in (("english", "bert-base-uncased"), ("chinese", "bert-base-chinese")):
        path = os.path.join(DATA, "data", "vocab", name + "-vocab.txt")
        vocab = WordPiece.read_file(path)
        out[short] = make(vocab)
        out[short + "_cased"] = make(vocab, lowercase=False)
    return out


def words(norm, text):
    pieces = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(norm.normalize_str(text))
    return "".join(w + "\n" for w, _ in pieces).encode()


def strings_tsv(texts, by_name):
    norms = [normalizer("1111"), normalizer("1100")]
    lines = [b"# class, digests of the ids: " + " ".join(by_name).encode() +
             b", of the words: 1111 1100, the string"]
    for cls, data in texts:
        text = data.decode("utf-8", "replace")
        row = b"".join(digest_ids(t.encode(text, add_special_tokens=False).ids) for t in by_name.values())
        row += b"".join(digest(words(n, text)) for n in norms)
        lines.append(b"\t".join([cls.encode(), row,
                                 strings.escape(data, cls in ("controls", "invalid"))]))
    return b"\n".join(lines) + b"\n"


def pairs_tsv(texts, by_name):
    """Longest first, only first, only second; '-': cannot be cut so far."""
    rng = random.Random(strings.SEED)
    names = ["own", "english", "chinese"]
    lines = [b"# lines of strings.tsv (from 0), max, digests of ids and types: " + " ".join(
        f"{n}/{s}" for n in names for s in STRATEGIES).encode()]
    for _ in range(N_PAIRS):
        a, b = rng.randrange(len(texts)), rng.randrange(len(texts))
        most = rng.choice([5, 8, 12, 16, 24, 40])
        row = []
        for name in names:
            for strategy in STRATEGIES:
                t = by_name[name]
                t.enable_truncation(most, strategy=strategy)
                try:
                    e = t.encode(*(texts[i][1].decode("utf-8", "replace") for i in (a, b)))
                    row.append(digest_ids(e.ids + e.type_ids))
                except Exception:
                    row.append(b"-")
                t.no_truncation()
        lines.append(b"%d %d %d " % (a, b, most) + b" ".join(row))
    return b"\n".join(lines) + b"\n"


def truncation_txt():
    """A line for a strategy and a maximum: both lengths left, for all pairs of lengths 0 to 12."""
    t = Tokenizer(WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    lines = []
    for k, strategy in enumerate(STRATEGIES):
        for most in range(13):
            t.enable_truncation(most, strategy=strategy)
            row = ""
            for n1 in range(13):
                for n2 in range(13):
                    try:
                        ids = t.encode("a " * n1, "a " * n2).sequence_ids
                        row += "%x%x" % (ids.count(0), ids.count(1))
                    except Exception:
                        row += "--"
            lines.append(f"{k} {most} {row}")
    return ("\n".join(lines) + "\n").encode()


def blocks_txt():
    """A line for a mode of the normaliser: a digest for each 256 code points, of the words of "a<c>b"."""
    lines = []
    for mode in MODES:
        norm = normalizer(mode)
        row = []
        for block in range(0x1100):
            codes = [c for c in range(block * 256, block * 256 + 256) if not 0xD800 <= c < 0xE000]
            row.append(digest(b"".join(words(norm, f"a{chr(c)}b") for c in codes)))
        lines.append(mode.encode() + b" " + b"".join(row))
    return b"\n".join(lines) + b"\n"


def word_blocks_txt():
    """A digest for each 256 code points: '1' where a token with single_word may not stand behind one."""
    t = Tokenizer(WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    t.add_tokens([AddedToken("<t>", single_word=True, normalized=False)])
    row = []
    for block in range(0x1100):
        codes = [c for c in range(block * 256, block * 256 + 256) if not 0xD800 <= c < 0xE000]
        row.append(digest(b"".join(b"01"[1 not in t.encode(chr(c) + "<t>").ids:][:1] for c in codes)))
    return b"".join(row) + b"\n"


def random_added(rng):
    """Tokens that overlap, stand in each other and differ by case, each with flags of its own."""
    pool = ["ab", "abc", "b", "bab", "AB", "Bc", " a", "a ", "<m>", "<M>", "é", "É", "e\u0301", "中", "中b", "  ",
            "b\u3000", "\u200db", "c", "ß", "b\u0301"]
    out = []
    for content in rng.sample(pool, rng.randint(1, 7)):
        flags = {f: rng.random() < 0.35 for f in ("single_word", "lstrip", "rstrip")}
        out.append(AddedToken(content, special=rng.random() < 0.4, normalized=rng.random() < 0.5, **flags))
    return out


def added_tsv():
    """Lines "=" and a tokenizer.json, then texts and their ids with it."""
    rng = random.Random(strings.SEED + 1)
    parts = ["ab", "abc", "b", "AB", "c", "a", " ", "  ", "\t", "\u3000", "<m>", "<M>", "é", "e\u0301", "中", ".",
             "É", "\u200d", "_", "\u0301", "ß", "1"]
    vocab = SPECIAL + ["a", "b", "c", "##a", "##b", "##c", "ab", "##bc", "e", "é", "中", ".", "ß", "##1", "<", "m", ">"]
    lines = []
    n_sets = 0
    while n_sets < 40:
        t = make({s: i for i, s in enumerate(vocab)}, lowercase=rng.random() < 0.7)
        tokens = random_added(rng)
        contents = [t.normalizer.normalize_str(k.content) for k in tokens if k.normalized]
        if len(set(contents)) < len(contents):
            continue  # which of them is found is left to chance
        n_sets += 1
        t.add_special_tokens([k for k in tokens if k.special])
        t.add_tokens([k for k in tokens if not k.special])
        text = json.dumps(json.loads(t.to_str()), ensure_ascii=True)
        t = Tokenizer.from_str(text)
        lines.append(b"=\t" + text.encode())
        for _ in range(50):
            text = "".join(rng.choice(parts) for _ in range(rng.randint(1, 12)))
            ids = t.encode(text, add_special_tokens=False).ids
            lines.append(strings.escape(text.encode(), True) + b"\t" + " ".join(map(str, ids)).encode())
    return b"\n".join(lines) + b"\n"


def examples_tsv(texts, by_name):
    """Full ids of some, to read and to debug with."""
    lines = [b"# the string, then ids of: " + " ".join(by_name).encode()]
    for cls, data in texts[::strings.PER_CLASS // 8]:
        text = data.decode("utf-8", "replace")
        row = [" ".join(map(str, t.encode(text, add_special_tokens=False).ids)) for t in by_name.values()]
        lines.append(strings.escape(data, True) + b"\t" + "\t".join(row).encode())
    return b"\n".join(lines) + b"\n"


def files():
    by_name = tokenizers()
    texts = list(strings.all_strings())
    yield "vocab.txt", "".join(t + "\n" for t in own_vocab()).encode()
    yield "tokenizer.json", (json.dumps(json.loads(by_name["json"].to_str()), ensure_ascii=True) +
                             "\n").encode()
    yield "added.tsv", added_tsv()
    yield "truncation.txt", truncation_txt()
    yield "examples.tsv", examples_tsv(texts, by_name)
    yield "strings.tsv", strings_tsv(texts, by_name)
    yield "pairs.tsv", pairs_tsv(texts, by_name)
    yield "blocks.txt", blocks_txt()
    yield "word_blocks.txt", word_blocks_txt()


def show(n):
    cls, data = list(strings.all_strings())[n]
    text = data.decode("utf-8", "replace")
    print(cls, data, ascii(text))
    for name, t in tokenizers().items():
        e = t.encode(text, add_special_tokens=False)
        print(name, e.ids, e.tokens)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--show":
        return show(int(sys.argv[2]))
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    bad = 0
    for name, want in files():
        path = os.path.join(HERE, name)
        if sys.argv[1] == "--write":
            os.makedirs(HERE, exist_ok=True)
            with open(path, "wb") as f:
                f.write(want)
            continue
        with open(path, "rb") as f:
            same = f.read() == want
        bad += not same
        print(f"tokenizer/{name}: {'same' if same else 'DIFFERS'}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
