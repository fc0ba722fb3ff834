"""The small models of logits.py: configurations, vocabularies of our own, random weights, texts."""

import json
import os
import random
import tempfile

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ("the a of and for with red blue green black white light heavy new old small large running walking trail "
         "road shoes boots jacket coat shirt socks hat bag kettle pan knife lamp chair table desk phone camera "
         "laptop screen cable book novel story guide music guitar piano game puzzle doll ball tent rope bike wheel "
         "tyre oil tea coffee bread cheese apple orange water cream soap brush paint garden seed flower cat dog "
         "bird fish car train plane hotel beach city mountain river snow rain sun summer winter sale price cheap "
         "best offer free day night click view cart buy search morning afternoon evening monday friday sunday "
         "mobile phone tablet pc en de zh android ios").split()
PIECES = "##s ##es ##ing ##er ##ed ##ly ##est ##less ##proof".split()
CHINESE = list("跑步鞋登山包水壶茶杯手机电脑红蓝新旧的好大小书灯")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PUNCTUATION = list("|;:,.!?-'/()")

# name, H, heads, F, layers, cased, labels, activation, dtype, positions, files of the tokenizer
SPECS = [dict(zip(("name", "hidden", "heads", "inner", "layers", "cased", "labels", "act", "dtype", "positions",
                   "files"), row)) for row in (
    ("one-layer", 32, 2, 64, 1, False, 1, "gelu", "float32", 32, "vocab"),
    ("five-heads", 60, 5, 100, 2, True, 2, "gelu_new", "float16", 48, "json"),
    ("three-heads", 48, 3, 96, 2, False, 1, "relu", "bfloat16", 40, "json"),
    ("deep", 64, 4, 80, 3, True, 1, "gelu", "float16", 64, "vocab"),
    ("one-head", 40, 1, 72, 2, False, 2, "gelu_pytorch_tanh", "float32", 24, "json"),
    ("twelve-heads", 72, 12, 120, 2, False, 1, "gelu", "bfloat16", 64, "vocab"),
    ("seven-heads", 70, 7, 77, 1, True, 2, "relu", "float32", 36, "json"),
    ("long", 32, 4, 48, 3, False, 1, "gelu_new", "float16", 512, "vocab"),
    ("odd-sizes", 33, 3, 51, 2, True, 1, "gelu", "float32", 17, "json"),
)]


def vocabulary(cased):
    words = sorted(set(WORDS))
    tokens = SPECIAL + PUNCTUATION + list(LETTERS) + ["##" + c for c in LETTERS] + words[:90] + PIECES + CHINESE
    if cased:
        tokens += list("ABCDEFGHIJKLMNOPQRSTUVWXYZ") + [w.capitalize() for w in words[:20]]
    return list(dict.fromkeys(tokens))


def pretrained_tokenizer(folder):
    return BertTokenizer.from_pretrained(folder)


def tokenizer(spec):
    with tempfile.TemporaryDirectory() as folder:
        write_vocab(spec, folder)
        return pretrained_tokenizer(folder)


def write_vocab(spec, folder):
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as f:
        f.writelines(t + "\n" for t in vocabulary(spec["cased"]))
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as f:
        json.dump({"do_lower_case": not spec["cased"], "tokenizer_class": "BertTokenizer"}, f)


def save_tokenizer(spec, tok, folder):
    if spec["files"] == "vocab":
        write_vocab(spec, folder)
    else:
        tok.save_pretrained(folder)


def random_model(spec, vocab_size):
    """Weights large enough that attention looks somewhere and no part can be left out unseen."""
    torch.manual_seed(sum(spec["name"].encode()))
    config = BertConfig(vocab_size=vocab_size, hidden_size=spec["hidden"], num_hidden_layers=spec["layers"],
                        num_attention_heads=spec["heads"], intermediate_size=spec["inner"],
                        hidden_act=spec["act"], max_position_embeddings=spec["positions"], type_vocab_size=2,
                        num_labels=spec["labels"], layer_norm_eps=1e-12)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "LayerNorm.weight" in name:
                p.normal_(1, 0.15)
            elif p.dim() == 1:
                p.normal_(0, 0.1)
            elif "query" in name or "key" in name:
                p.normal_(0, 1.3 / p.shape[1] ** 0.5)
            elif "embeddings" in name:
                p.normal_(0, 0.6)
            else:
                p.normal_(0, 0.9 / p.shape[1] ** 0.5)
    return model


def random_text(rng, n_words, cased):
    out = []
    for _ in range(n_words):
        kind = rng.random()
        word = rng.choice(WORDS)
        if kind < 0.08:
            word = "".join(rng.choice(CHINESE) for _ in range(rng.randint(1, 4)))
        elif kind < 0.13:
            word = rng.choice(PUNCTUATION)
        elif kind < 0.2:
            word = rng.choice(["Zürich", "café", "naïve", "42nd", "x1000", "waterproof", "🙂", "\u0301"])
        elif cased and kind < 0.5:
            word = word.capitalize()
        out.append(word)
    return " ".join(out)


def random_pairs(spec, rng):
    """Lengths from one word to far beyond the model's maximum; some single texts, some with a limit."""
    most = min(spec["positions"], 96)
    pairs = [{"text": ""}, {"text": "a"}, {"text": "", "text_pair": ""}, {"text": "red shoes", "text_pair": "跑步鞋"}]
    while len(pairs) < 48:
        p = {"text": random_text(rng, rng.randint(1, most // 2), spec["cased"])}
        if rng.random() < 0.8:
            p["text_pair"] = random_text(rng, rng.randint(1, most // 3), spec["cased"])
        if rng.random() < 0.2:
            p["max_tokens"] = rng.randint(5, spec["positions"])
        pairs.append(p)
    pairs.append({"text": random_text(rng, spec["positions"], spec["cased"]),
                  "text_pair": random_text(rng, spec["positions"], spec["cased"])})
    pairs.append({"text": random_text(rng, spec["positions"], spec["cased"])})
    return pairs


def real_pairs():
    rng = random.Random("minilm")
    pairs = [{"text": "lightweight trail running shoes", "text_pair": "waterproof hiking jacket"}]
    while len(pairs) < 24:
        pairs.append({"text": random_text(rng, rng.randint(2, 40), True),
                      "text_pair": random_text(rng, rng.randint(1, 16), True)})
    return pairs
