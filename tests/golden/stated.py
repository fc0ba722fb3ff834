#!/usr/bin/env python3
"""What transformers makes of directories whose files state more than sizes: length, token types, special tokens,
what two labels mean (versions: requirements.txt). Each case is a model of tests/golden/logits with edits.

usage: stated.py --write | --check
--write makes tests/golden/stated.json again; --check compares: logits within 1e-5, probabilities within 1e-6.
"""

import json
import os
import shutil
import sys
import tempfile

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TextClassificationPipeline

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(HERE, "stated.json")
TOKENIZER, CONFIG, JSON = "tokenizer_config.json", "config.json", "tokenizer.json"
VOCAB_DIR, JSON_DIR = "one-layer", "seven-heads"  # one label, vocab.txt; two labels, tokenizer.json

LONG = " ".join("red shoes and a kettle for the winter night with cheap running socks".split() * 18)  # 234 words
TEXTS = (("Red Shoes café for winter [MASK] unbelievably cheap running", "Kettle 跑步鞋 best offer zzz for the mountain"),
         (LONG, "kettle"), (LONG, LONG), ("xcheapy [CLS] best", "rain"))

# name, directory, edits of (file, pointer, value)
CASES = [
    ("as they are", VOCAB_DIR, []),
    ("as they are", JSON_DIR, []),
    ("model_max_length", VOCAB_DIR, [(TOKENIZER, "/model_max_length", 12)]),
    ("model_max_length", JSON_DIR, [(TOKENIZER, "/model_max_length", 20)]),
    ("model_max_length beyond the positions", JSON_DIR, [(TOKENIZER, "/model_max_length", 512)]),
    ("max_len", VOCAB_DIR, [(TOKENIZER, "/max_len", 12)]),
    ("what a call left behind", JSON_DIR, [(TOKENIZER, "/max_length", 12), (JSON, "/truncation/max_length", 8)]),
    ("DistilBERT's tokenizer", VOCAB_DIR, [(TOKENIZER, "/tokenizer_class", "DistilBertTokenizer")]),
    ("DistilBERT's tokenizer", JSON_DIR, [(TOKENIZER, "/tokenizer_class", "DistilBertTokenizerFast")]),
    ("a class named by config.json", VOCAB_DIR,
     [(TOKENIZER, "/tokenizer_class", None), (CONFIG, "/tokenizer_class", "DistilBertTokenizer")]),
    ("tokenizer.json as it is", JSON_DIR, [(TOKENIZER, "/tokenizer_class", "TokenizersBackend")]),
    ("tokenizer.json as it is, with types", JSON_DIR,
     [(TOKENIZER, "/tokenizer_class", "TokenizersBackend"),
      (TOKENIZER, "/model_input_names", ["input_ids", "token_type_ids", "attention_mask"])]),
    ("no token types", JSON_DIR, [(TOKENIZER, "/model_input_names", ["input_ids", "attention_mask"])]),
    ("a special token", VOCAB_DIR, [(TOKENIZER, "/additional_special_tokens", ["cheap"])]),
    ("another mask", JSON_DIR, [(TOKENIZER, "/mask_token", "cheap")]),
    ("a token for beginnings", VOCAB_DIR, [(TOKENIZER, "/bos_token", "cheap")]),
    ("another class token", VOCAB_DIR, [(TOKENIZER, "/cls_token", "cheap")]),
    ("a mask that tokenizer.json leaves out", JSON_DIR, [(JSON, "/added_tokens/4", None)]),
    ("two labels that exclude each other", JSON_DIR, [(CONFIG, "/problem_type", "single_label_classification")]),
    ("two independent labels", JSON_DIR, [(CONFIG, "/problem_type", "multi_label_classification")]),
    ("one independent label", VOCAB_DIR, [(CONFIG, "/problem_type", "multi_label_classification")]),
    ("another activation", VOCAB_DIR, [(CONFIG, "/hidden_act", "gelu_fast")]),
    ("another epsilon", VOCAB_DIR, [(CONFIG, "/layer_norm_eps", 0.01)]),
]


def edit(folder, file, pointer, value):
    path = os.path.join(folder, file)
    with open(path, encoding="utf-8") as f:
        doc = json.load(f)
    *way, last = pointer[1:].split("/")
    at = doc
    for key in way:
        at = at[int(key)] if isinstance(at, list) else at[key]
    if value is None:
        at.pop(int(last) if isinstance(at, list) else last)
    else:
        at[last] = value
    with open(path, "w", encoding="utf-8") as f:
        json.dump(doc, f, ensure_ascii=False)


def probabilities(model, logits):
    """As a text classification pipeline computes them: it asks problem_type and the number of labels."""
    pipeline = TextClassificationPipeline(model=model, tokenizer=None)
    scores = pipeline.postprocess({"logits": torch.tensor([logits])}, top_k=None)
    by_label = {s["label"]: s["score"] for s in scores}
    return float(by_label[model.config.id2label[model.config.num_labels - 1]])


def score(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    limit = min(model.config.max_position_embeddings, tokenizer.model_max_length)
    out = []
    for text, pair in TEXTS:
        enc = tokenizer(text, pair, truncation=True, max_length=limit, return_tensors="pt")
        with torch.no_grad():
            logits = model(**enc).logits[0].tolist()
        out.append({"tokens": int(enc["input_ids"].shape[1]), "logits": logits, "pctr": probabilities(model, logits)})
    return out


def make():
    cases = []
    for name, base, edits in CASES:
        with tempfile.TemporaryDirectory() as folder:
            for file in os.listdir(os.path.join(HERE, "logits", base)):
                shutil.copy(os.path.join(HERE, "logits", base, file), folder)
            for file, pointer, value in edits:
                edit(folder, file, pointer, value)
            cases.append({"name": name, "dir": base,
                          "edits": [{"file": f, "pointer": p, "value": v} for f, p, v in edits],
                          "pairs": score(folder)})
    return {"texts": TEXTS, "cases": cases}


def same(made, have):
    if [list(t) for t in made["texts"]] != have["texts"]:
        return False
    made, have = made["cases"], have["cases"]
    if [(c["name"], c["dir"], c["edits"]) for c in made] != [(c["name"], c["dir"], c["edits"]) for c in have]:
        return False
    for a, b in zip((p for c in made for p in c["pairs"]), (p for c in have for p in c["pairs"])):
        if a["tokens"] != b["tokens"] or abs(a["pctr"] - b["pctr"]) > 1e-6:
            return False
        if max(abs(x - y) for x, y in zip(a["logits"], b["logits"])) > 1e-5:
            return False
    return True


def main():
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    torch.set_num_threads(1)
    made = make()
    if sys.argv[1] == "--write":
        with open(FILE, "w", encoding="utf-8") as f:
            json.dump(made, f, ensure_ascii=False, indent=0)
            f.write("\n")
        return 0
    with open(FILE, encoding="utf-8") as f:
        if same(made, json.load(f)):
            return 0
    print("stated.json: differs")
    return 1


if __name__ == "__main__":
    sys.exit(main())
