#!/usr/bin/env python3
"""Golden logits: small models of random weights as transformers writes them, and what transformers makes of texts
and of requests (versions: requirements.txt).

usage: logits.py --write | --check
--write makes tests/golden/logits/, tests/golden/requests/ and, where the weights can be had, tests/golden/minilm/
again; --check compares what is there: the same texts, logits within 1e-5 of their spread.

Real weights are those of $ADRANK_TEST_DATA/models/get-minilm.sh, fetched into build/minilm.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import logits_models as models
import logits_requests as requests
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BertForSequenceClassification, BertModel

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "../..")
DATA = os.environ.get("ADRANK_TEST_DATA", os.path.join(ROOT, "../shared"))
TOLERANCE = 1e-5  # of the spread: other processors round in other orders


def spread(logits):
    return float(np.std(np.asarray(logits, dtype=np.float64)))


def dump(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, indent=0)
        f.write("\n")


# ---------------------------------------------------------------- pairs


def score_pairs(model, tokenizer, pairs, dtype):
    """One at a time: padding would be a numeric choice of its own."""
    model = model.to(dtype)
    out = []
    with torch.no_grad():
        for p in pairs:
            enc = tokenizer(p["text"], p.get("text_pair"), truncation="longest_first",
                            max_length=p.get("max_tokens", model.config.max_position_embeddings),
                            return_tensors="pt")
            out.append(model(**enc).logits[0].float().tolist())
    return out


def golden_pairs(model, tokenizer, pairs):
    f32 = score_pairs(model, tokenizer, pairs, torch.float32)
    bf16 = score_pairs(model, tokenizer, pairs, torch.bfloat16)
    error = np.abs(np.asarray(f32) - np.asarray(bf16)).max() / spread(f32)
    return {"spread": spread(f32), "bf16_error": float(error),
            "pairs": [dict(p, logits=l) for p, l in zip(pairs, f32)]}


def scale_head(model, tokenizer, pairs, wanted):
    """A fresh head's logits hardly differ: stretch them to the wanted deviation, in every label, around 0."""
    logits = np.asarray(score_pairs(model, tokenizer, pairs, torch.float32))
    with torch.no_grad():
        factor = torch.tensor(wanted / logits.std(axis=0), dtype=torch.float32)
        model.classifier.weight.mul_(factor[:, None])
        model.classifier.bias.copy_(-torch.tensor(logits.mean(axis=0), dtype=torch.float32) * factor)
    assert (np.asarray(score_pairs(model, tokenizer, pairs, torch.float32)).std(axis=0) >= 1).all()


def write_model(spec, folder):
    """The directory as transformers leaves it; returns the model read back from it."""
    rng = random.Random(spec["name"])
    tokenizer = models.tokenizer(spec)
    model = models.random_model(spec, len(tokenizer))
    pairs = models.random_pairs(spec, rng)
    scale_head(model, tokenizer, pairs, 1.5)
    model.to(getattr(torch, spec["dtype"])).save_pretrained(folder)
    models.save_tokenizer(spec, tokenizer, folder)
    model = BertForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    return model, tokenizer, pairs


def make_logits(into):
    for spec in models.SPECS:
        folder = os.path.join(into, "logits", spec["name"])
        os.makedirs(folder)
        model, tokenizer, pairs = write_model(spec, folder)
        golden = golden_pairs(model, tokenizer, pairs)
        dump(os.path.join(folder, "golden.json"), golden)
        report("logits/" + spec["name"], golden)


# ---------------------------------------------------------------- requests


def make_requests(into):
    for spec in requests.SPECS:
        folder = os.path.join(into, "requests", spec["name"])
        os.makedirs(folder)
        model, tokenizer, _ = write_model(spec, folder)
        lines = requests.random_requests(spec)
        kind = requests.KINDS[spec["kind"]]
        logits = [kind(model, tokenizer, spec["input"], line) for line in lines]
        # The head was stretched for pairs; requests spread differently, around another mean.
        flat = np.concatenate(logits)
        with torch.no_grad():
            model.classifier.weight.mul_(2 / flat.std())
            model.classifier.bias.mul_(2 / flat.std())
            model.classifier.bias[-1] -= 2 * flat.mean() / flat.std()
        model.to(getattr(torch, spec["dtype"])).save_pretrained(folder)
        model = BertForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
        logits = [kind(model, tokenizer, spec["input"], line) for line in lines]
        bf16 = model.to(torch.bfloat16)
        off = [kind(bf16, tokenizer, spec["input"], line) for line in lines]
        flat, off = np.concatenate(logits), np.concatenate(off)
        golden = {"spread": spread(flat), "bf16_error": float(np.abs(flat - off).max() / flat.std())}
        for line, values in zip(lines, logits):
            line["logits"] = [float(v) for v in values]
        dump(os.path.join(folder, "adrank.json"), requests.adrank_json(spec, lines, golden["bf16_error"]))
        dump(os.path.join(folder, "golden.json"), golden)
        report("requests/" + spec["name"], dict(golden, pairs=flat))


# ---------------------------------------------------------------- real weights


def make_minilm(into):
    """A seeded head of two labels over the real encoder; the head is committed, the encoder is fetched."""
    weights = os.path.join(ROOT, "build/minilm")
    try:
        subprocess.run(["sh", os.path.join(DATA, "models/get-minilm.sh"), weights], check=True)
    except (OSError, subprocess.CalledProcessError):
        print("minilm: the weights cannot be had, left out")
        return
    folder = os.path.join(into, "minilm")
    os.makedirs(folder)
    encoder = BertModel.from_pretrained(weights, dtype=torch.float32)
    encoder.config.num_labels = 2
    model = BertForSequenceClassification(encoder.config).eval()
    model.bert = encoder.eval()
    torch.manual_seed(7)
    with torch.no_grad():
        model.classifier.weight.normal_()
    tokenizer = models.pretrained_tokenizer(weights)
    pairs = models.real_pairs()
    scale_head(model, tokenizer, pairs, 1.5)
    save_file({"classifier.weight": model.classifier.weight.detach().contiguous(),
               "classifier.bias": model.classifier.bias.detach().contiguous()},
              os.path.join(folder, "head.safetensors"))
    golden = golden_pairs(model, tokenizer, pairs)
    dump(os.path.join(folder, "golden.json"), golden)
    report("minilm", golden)


# ---------------------------------------------------------------- comparing


def report(name, golden):
    print(f"{name}: {len(golden['pairs'])} pairs, spread {golden['spread']:.3f}, "
          f"bf16 error {golden['bf16_error']:.4f}")


def logits_of(path):
    with open(path, encoding="utf-8") as f:
        value = json.load(f)
    if path.endswith("adrank.json"):
        value = value["golden"]
        value["max_error"].pop("bf16")  # as bf16_error below: PyTorch's bf16 depends on the processor
        return [r.pop("logits") for r in value["requests"]], value
    logits = [p.pop("logits") for p in value.get("pairs", [])]
    value.pop("bf16_error", None)
    value.pop("spread", None)
    return logits, value


def same(made, committed):
    made_logits, made_rest = logits_of(made)
    have_logits, have_rest = logits_of(committed)
    if made_rest != have_rest:
        return False
    a, b = np.concatenate(made_logits or [[0.0]]), np.concatenate(have_logits or [[0.0]])
    return a.shape == b.shape and bool(np.abs(a - b).max() <= TOLERANCE * max(b.std(), 1))


def compare(made):
    wrong = 0
    for folder, _, files in os.walk(made):
        for name in files:
            if name not in ("golden.json", "adrank.json"):
                continue
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, made)
            committed = os.path.join(HERE, relative)
            if not os.path.exists(committed) or not same(path, committed):
                print(f"{relative}: differs")
                wrong = 1
    return wrong


def main():
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        make_logits(made)
        make_requests(made)
        make_minilm(made)
        if sys.argv[1] == "--check":
            return compare(made)
        for name in os.listdir(made):
            shutil.rmtree(os.path.join(HERE, name), ignore_errors=True)
            shutil.copytree(os.path.join(made, name), os.path.join(HERE, name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
