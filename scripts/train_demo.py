#!/usr/bin/env python3
"""Trains the demo's model on the click log of adrank-sim and writes its model directory.

A stand-in until adrank-train exists. Needs torch, tokenizers, safetensors, numpy and scikit-learn.

    build/release/bin/adrank-sim world --seed 1 --train 190000 --calib 8000 --eval 8000 --warm 4000 --out W
    python3 scripts/train_demo.py --world W --out M

config/demo/README.md lists the runs that made the committed weights.

The model is a BERT of kind `prefix`: the request (search words, time, device, place, behaviour newest
first) is a parent that is encoded once, each ad is a child that attends to itself and to the parent, with
positions that continue after the parent's. Steps: a vocabulary of the log's words; token embeddings from
the words' joint occurrence in one history; next behaviour against random ones; clicks; Platt calibration
on shoppers and items of its own; golden requests from the weights as they were rounded to 16 bits.
"""
import argparse
import collections
import datetime
import hashlib
import itertools
import json
import math
import os
import random
import re
import shutil
import time

import numpy as np
import scipy.sparse
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tokenizers import BertWordPieceTokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNK, CLS, SEP = 0, 1, 2, 3
MAX_CONTEXT, MAX_AD, MAX_POSITIONS = 96, 24, 128
LAYERS, HIDDEN, HEADS, INNER = 2, 128, 2, 256
CONTEXT = "{search} | {daypart} {weekday} {device} {language} {country} | "
BEHAVIOUR = "{type} {text} ; "
AD = "{title}"
DAYPARTS = ["night", "morning", "afternoon", "evening"]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DEVICES = {1: "mobile", 2: "pc", 3: "tv", 4: "phone", 5: "tablet", 6: "connected", 7: "settopbox"}


# ---- requests to text, by the template of adrank.json

def context_text(request, now_ms):
    device, geo = request.get("device", {}), request.get("device", {}).get("geo", {})
    daypart = weekday = ""
    if "utcoffset" in geo:
        local = datetime.datetime.fromtimestamp(now_ms / 1000 + 60 * geo["utcoffset"], datetime.timezone.utc)
        daypart, weekday = DAYPARTS[local.hour // 6], WEEKDAYS[local.weekday()]
    return CONTEXT.format(search=request.get("site", {}).get("search", ""), daypart=daypart, weekday=weekday,
                          device=DEVICES.get(device.get("devicetype"), ""),
                          language=device.get("language", ""), country=geo.get("country", ""))


def behaviour_text(event):
    return BEHAVIOUR.format(type=event["type"], text=event["text"])


def newest_first(request):
    return sorted(request.get("rank", {}).get("behaviour", []), key=lambda e: e["t"])[::-1]


class Encoder:
    """Texts to ids, computing each distinct text once."""

    def __init__(self, vocab_file):
        self.tokenizer = BertWordPieceTokenizer(vocab_file, lowercase=True)
        self.known = {}

    def __call__(self, text):
        ids = self.known.get(text)
        if ids is None:
            ids = self.known[text] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def parent(self, context, behaviours):
        """[CLS] context, then whole behaviours for as long as they fit, [SEP]."""
        ids = [CLS] + self.tokenizer.encode(context, add_special_tokens=False).ids[:MAX_CONTEXT - 2]
        for text in behaviours:
            piece = self(text)
            if len(ids) + len(piece) + 1 > MAX_CONTEXT:
                break
            ids = ids + piece
        return ids + [SEP]

    def child(self, text):
        return [CLS] + self(text)[:MAX_AD - 2] + [SEP]


# ---- vocabulary

def words_of(text):
    return re.findall(r"[a-z0-9]+|[^\sa-z0-9]", text.lower())


def build_vocab(lines, path):
    """Whole words and characters of the log; pieces, so that every English word can be spelt."""
    counts = collections.Counter()
    for line in lines:
        for text in texts_of(line):
            counts.update(words_of(text))
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + [str(d) for d in range(10)]
    fixed = set(letters) | set(DAYPARTS) | set(WEEKDAYS) | set(DEVICES.values())
    fixed |= {"view", "click", "cart", "buy", "search"} | set(r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~，。：；！？、（）【】""")
    words = sorted(set(counts) | fixed)
    english = [w for w in words if re.fullmatch(r"[a-z0-9]+", w)]
    endings = collections.Counter()
    for word in english:
        for n in range(2, min(6, len(word) - 2)):
            endings[word[-n:]] += 1
    pieces = sorted({e for e, n in endings.items() if n >= 8} | {"s", "es", "ed", "ing", "er", "ers", "ly"})
    vocab = SPECIALS + words + ["##" + p for p in dict.fromkeys(letters + pieces)]
    assert len(vocab) <= 8000
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(vocab) + "\n")
    return vocab


def texts_of(line):
    request = line["request"]
    yield context_text(request, line["shown"][0]["t"])
    for event in request["rank"]["behaviour"]:
        yield event["text"]
    for candidate in request["rank"]["candidates"]:
        yield candidate["text"]


# ---- data

class Part:
    """A part of the log: for each visit a parent, its ads as children, the clicks."""

    def __init__(self, encoder, lines, titles=None):
        self.parents, self.children, self.clicks, self.events = [], [], [], []
        for line in lines:
            request = line["request"]
            events = newest_first(request)
            context = context_text(request, line["shown"][0]["t"])
            clicks = {s["adid"]: s["click"] for s in line["shown"]}
            self.parents.append(encoder.parent(context, [behaviour_text(e) for e in events]))
            self.children.append([encoder.child(titles[c["adid"]] if titles else c["text"])
                                  for c in request["rank"]["candidates"]])
            self.clicks.append([clicks[c["adid"]] for c in request["rank"]["candidates"]])
            self.events.append((context, events))


def read_lines(world, name, skip=0):
    with open(os.path.join(world, "clicks.%s.jsonl" % name), encoding="utf-8") as file:
        return [json.loads(line) for line in itertools.islice(file, skip, None)]


def read_truth(world, name):
    with open(os.path.join(world, "truth.%s.jsonl" % name), encoding="utf-8") as file:
        return np.array([json.loads(line) for line in file])


def padded(rows):
    width = max(len(r) for r in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, :len(row)] = torch.tensor(row)
    return ids, torch.tensor([len(r) for r in rows])


def batches(parents, size, rng=None):
    """Indices of visits with parents of similar length; in random order if rng is given."""
    order = list(range(len(parents)))
    if rng is None:
        order.sort(key=lambda i: len(parents[i]))
        return [order[i:i + size] for i in range(0, len(order), size)]
    rng.shuffle(order)
    out, chunk = [], 32 * size
    for start in range(0, len(order), chunk):
        part = sorted(order[start:start + chunk], key=lambda i: len(parents[i]))
        out += [part[i:i + size] for i in range(0, len(part), size)]
    rng.shuffle(out)
    return out


# ---- the model, with Hugging Face's names

class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.ModuleDict({
            "self": nn.ModuleDict({n: nn.Linear(HIDDEN, HIDDEN) for n in ("query", "key", "value")}),
            "output": nn.ModuleDict({"dense": nn.Linear(HIDDEN, HIDDEN), "LayerNorm": nn.LayerNorm(HIDDEN, 1e-12)})})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(HIDDEN, INNER)})
        self.output = nn.ModuleDict({"dense": nn.Linear(INNER, HIDDEN), "LayerNorm": nn.LayerNorm(HIDDEN, 1e-12)})

    def project(self, name, x):
        return self.attention["self"][name](x)

    def after(self, x, mixed):
        out = self.attention["output"]
        x = out["LayerNorm"](x + out["dense"](mixed))
        return self.output["LayerNorm"](x + self.output["dense"](F.gelu(self.intermediate["dense"](x))))

    def read_parent(self, x, hidden):
        """x (B, P, H) with hidden (B, 1, 1, P): the output, and the keys and values that children need."""
        key, value = heads(self.project("key", x)), heads(self.project("value", x))
        weights = lambda: scores(heads(self.project("query", x)), key, hidden).softmax(-1)
        return key, value, lambda: self.after(x, merged(weights() @ value))

    def read_children(self, y, rows, own, key, value, hidden, first_only):
        """y (T, H), the children's tokens without padding; rows gives their places in (B n, A) with
        own (B n, 1, 1, A). first_only: only the rows of the first tokens are needed."""
        b, n, d = key.shape[0], len(own) // key.shape[0], HIDDEN // HEADS
        asking = y[rows.first] if first_only else y
        query = self.project("query", asking)
        query = heads(query[:, None] if first_only else rows.spread(query))  # (B n, heads, a, d)
        a, p = query.shape[2], key.shape[2]
        by_parent = lambda t: t.view(b, n, HEADS, a, -1).transpose(1, 2).reshape(b, HEADS, n * a, -1)
        by_child = lambda t: t.view(b, HEADS, n, a, -1).transpose(1, 2).reshape(b * n, HEADS, a, -1)
        to_parent = by_child(scores(by_parent(query), key, hidden))
        to_own = scores(query, heads(rows.spread(self.project("key", y))), own)
        weights = torch.cat([to_parent, to_own], -1).softmax(-1)
        from_own = weights[..., p:] @ heads(rows.spread(self.project("value", y)))
        mixed = merged(by_child(by_parent(weights[..., :p]) @ value) + from_own)
        return self.after(asking, mixed[:, 0] if first_only else rows.gather(mixed))


class Rows:
    """Children's tokens end to end, and the place of each in a padded tensor."""

    def __init__(self, lengths, width):
        self.shape = (len(lengths), width)
        self.at = (torch.arange(width)[None] < lengths[:, None]).flatten().nonzero()[:, 0]
        self.first = lengths.cumsum(0) - lengths

    def gather(self, t):
        return t.reshape(-1, t.shape[-1])[self.at]

    def spread(self, t):
        flat = torch.zeros(self.shape[0] * self.shape[1], t.shape[-1]).index_copy(0, self.at, t)
        return flat.view(*self.shape, -1)


def heads(x):  # (B, T, H) -> (B, heads, T, d)
    return x.view(*x.shape[:-1], HEADS, HIDDEN // HEADS).transpose(-2, -3)


def scores(query, key, hidden):
    return query @ key.transpose(-1, -2) * (HIDDEN // HEADS) ** -.5 + hidden


def merged(x):  # (B, heads, T, d) -> (B, T, H)
    return x.transpose(1, 2).flatten(-2)


class PrefixBert(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.bert = nn.ModuleDict({
            "embeddings": nn.ModuleDict({
                "word_embeddings": nn.Embedding(vocab_size, HIDDEN),
                "position_embeddings": nn.Embedding(MAX_POSITIONS, HIDDEN),
                "token_type_embeddings": nn.Embedding(2, HIDDEN),
                "LayerNorm": nn.LayerNorm(HIDDEN, 1e-12)}),
            "encoder": nn.ModuleDict({"layer": nn.ModuleList([Layer() for _ in range(LAYERS)])}),
            "pooler": nn.ModuleDict({"dense": nn.Linear(HIDDEN, HIDDEN)})})
        self.classifier = nn.Linear(HIDDEN, 1)
        self.start()

    def start(self):
        """Small positions, so that a word is the same word anywhere; types as large as words, so that what
        came from the parent is recognisable; queries equal to keys, so that like attends to like from the
        first step (Trockman and Kolter 2023)."""
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=.005 if "position" in name else .06 if "embeddings" in name else .09)
            elif "LayerNorm" not in name:
                nn.init.zeros_(p)
        for layer in self.bert["encoder"]["layer"]:
            same = .8 * torch.linalg.qr(torch.randn(HIDDEN, HIDDEN))[0]
            for name in ("query", "key"):
                layer.attention["self"][name].weight.data = same + .02 * torch.randn(HIDDEN, HIDDEN)

    def embed(self, ids, kind, positions):
        e = self.bert["embeddings"]
        types = e["token_type_embeddings"].weight[kind]
        return e["LayerNorm"](e["word_embeddings"](ids) + types + e["position_embeddings"](positions))

    def forward(self, parents, children, n):
        """Ids and lengths of B parents and B n children; logits (B, n)."""
        ids, lengths = parents
        child_ids, child_lengths = children
        mask = (torch.arange(ids.shape[1])[None] >= lengths[:, None])[:, None, None].float() * -1e4
        own = (torch.arange(child_ids.shape[1])[None] >= child_lengths[:, None])[:, None, None].float() * -1e4
        rows = Rows(child_lengths, child_ids.shape[1])
        x = self.embed(ids, 0, torch.arange(ids.shape[1])[None])
        positions = lengths.repeat_interleave(n)[:, None] + torch.arange(child_ids.shape[1])[None]
        positions = rows.gather(positions[..., None])[:, 0]
        y = self.embed(rows.gather(child_ids[..., None])[:, 0], 1, positions)
        for k, layer in enumerate(self.bert["encoder"]["layer"]):
            key, value, after = layer.read_parent(x, mask)
            y = layer.read_children(y, rows, own, key, value, mask, first_only=k == LAYERS - 1)
            x = after() if k < LAYERS - 1 else None
        pooled = torch.tanh(self.bert["pooler"]["dense"](y))
        return self.classifier(pooled).view(-1, n)


def warm_embeddings(model, train, vocab_size):
    """Words that occur in one shopper's history get similar vectors: positive pointwise mutual information,
    factored (Levy and Goldberg 2014)."""
    def incidence(rows):
        at = [(i, t) for i, row in enumerate(rows) for t in row]
        i, t = np.array(at).T
        return scipy.sparse.csr_matrix((np.ones(len(at), dtype=np.float32), (i, t)), shape=(len(rows), vocab_size))

    of_visit = incidence([[t for title in titles for t in set(title)] for titles in train.event_ids])
    of_title = incidence([set(title) for titles in train.event_ids for title in titles])
    counts = (of_visit.T @ of_visit - of_title.T @ of_title).toarray()
    rows = counts.sum(1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        pmi = np.log(counts * counts.sum() / (rows * rows.T))
    pmi[~np.isfinite(pmi)] = 0
    u, s, _ = torch.svd_lowrank(torch.from_numpy(np.maximum(pmi, 0)), q=HIDDEN, niter=4)
    vectors = u * s.sqrt()
    known = torch.from_numpy(rows[:, 0] > 0)
    vectors = vectors / vectors[known].std() * .06
    weight = model.bert["embeddings"]["word_embeddings"].weight
    with torch.no_grad():
        weight[known] = vectors[known]


# ---- training

def next_behaviour_batch(encoder, train, indices, rng, n):
    """The newest behaviour's title among n titles, the others from other visits."""
    parents, children = [], []
    for i in indices:
        context, events = train.events[i]
        parents.append(encoder.parent(context, [behaviour_text(e) for e in events[1:]]))
        titles = [events[0]["text"]]
        while len(titles) < n:
            _, other = train.events[rng.randrange(len(train.events))]
            if other:
                titles.append(rng.choice(other)["text"])
        children += [encoder.child(t) for t in titles]
    return padded(parents), padded(children)


def fit(model, args, steps, make_loss):
    """AdamW with warm-up and linear decay over the steps, whose last quarter is averaged: clicks are noisy."""
    decayed = [p for name, p in model.named_parameters() if p.dim() > 1]
    others = [p for name, p in model.named_parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": .01}, {"params": others, "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, lr=args["rate"], betas=(.9, .98))
    warm = min(100, len(steps) // 10 + 1)
    shape = lambda k: min((k + 1) / warm, max(.03, 1 - (k - warm) / max(1, len(steps) - warm)))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)
    mean, began = None, time.time()
    weights = [p.data for p in model.parameters()]
    averaged = None
    model.train()
    for k, indices in enumerate(steps):
        loss = make_loss(indices)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if averaged is None and k >= len(steps) * 3 // 4:
            averaged = [w.clone() for w in weights]
        elif averaged is not None:
            torch._foreach_lerp_(averaged, weights, .005)
        mean = loss.item() if mean is None else .98 * mean + .02 * loss.item()
        if k % 100 == 99 or k == len(steps) - 1:
            print("%s step %d of %d  loss %.4f  %.0f s" % (args["name"], k + 1, len(steps), mean, time.time() - began),
                  flush=True)
    if averaged:
        torch._foreach_copy_(weights, averaged)


@torch.no_grad()
def score(model, part, size=128):
    model.eval()
    n = len(part.children[0])
    out = np.zeros((len(part.parents), n), dtype=np.float64)
    for indices in batches(part.parents, size):
        children = [c for i in indices for c in part.children[i]]
        out[indices] = model(padded([part.parents[i] for i in indices]), padded(children), n).float().numpy()
    return out


def platt(logits, clicks):
    """a and b of sigmoid(a logit + b) with the least log loss (Platt 1999)."""
    fit = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(logits.reshape(-1, 1), clicks.ravel())
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


def calibration_error(p, clicks, bins=15):
    order = np.argsort(p)
    gaps = [len(i) * abs(p[i].mean() - clicks[i].mean()) for i in np.array_split(order, bins)]
    return sum(gaps) / len(p)


def log_loss(p, clicks):
    return float(-(clicks * np.log(p) + (1 - clicks) * np.log(1 - p)).mean())


# ---- the model directory

def golden_requests(lines, encoder, model, count):
    requests = []
    part = Part(encoder, lines[:count])
    logits = score(model, part, size=1)
    for line, row in zip(lines[:count], logits):
        request = {k: v for k, v in line["request"].items() if k != "user"}
        requests.append({"now_ms": line["shown"][0]["t"], "request": request,
                         "logits": [float(np.float32(x)) for x in row]})
    return requests


def dump(path, value, **kwargs):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(value, out, ensure_ascii=False, **kwargs)
        out.write("\n")


def write_directory(model, out, vocab, calibration, base_rate, golden):
    tensors = {name: t.half().contiguous() for name, t in model.state_dict().items()}
    weights = os.path.join(out, "model.safetensors")
    save_file(tensors, weights, metadata={"format": "pt"})
    dump(os.path.join(out, "config.json"), {
        "architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": INNER,
        "hidden_act": "gelu", "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        "layer_norm_eps": 1e-12, "max_position_embeddings": MAX_POSITIONS, "type_vocab_size": 2,
        "vocab_size": len(vocab), "pad_token_id": PAD, "id2label": {"0": "click"}, "label2id": {"click": 0},
        "dtype": "float16"}, indent=2)
    dump(os.path.join(out, "tokenizer_config.json"), {
        "tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": MAX_POSITIONS,
        "tokenize_chinese_chars": True, "strip_accents": None}, indent=2)
    with open(weights, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    dump(os.path.join(out, "adrank.json"), {
        "format": 1, "kind": "prefix", "name": "demo-ctr", "version": "1",
        "input": {"context": CONTEXT, "behaviour": BEHAVIOUR, "ad": AD,
                  "max_context_tokens": MAX_CONTEXT, "max_ad_tokens": MAX_AD},
        "heads": {"ctr": {"labels": 1}},
        "calibration": dict(type="platt", **calibration), "base_rate": base_rate, "weights_sha256": digest,
        "golden": {"max_error": {"f32": 1e-4}, "requests": golden}}, indent=1)


def round_to_half(model, logits):
    """Scales the head so that logits have a standard deviation of 2, then rounds every weight to 16 bits."""
    with torch.no_grad():
        factor = 2 / float(logits.std())
        model.classifier.weight.mul_(factor)
        model.classifier.bias.mul_(factor)
        for p in model.parameters():
            p.copy_(p.half().float())


# ---- results

def read_directory(model, path):
    """Weights of an earlier run; its calibration goes into the head, so that training continues where it ended."""
    with open(os.path.join(path, "adrank.json"), encoding="utf-8") as file:
        calibration = json.load(file)["calibration"]
    model.load_state_dict({k: v.float() for k, v in load_file(os.path.join(path, "model.safetensors")).items()})
    with torch.no_grad():
        model.classifier.weight.mul_(calibration["a"])
        model.classifier.bias.mul_(calibration["a"]).add_(calibration["b"])


def shuffled_titles(lines, rng):
    titles = {c["adid"]: c["text"] for line in lines for c in line["request"]["rank"]["candidates"]}
    ids, texts = list(titles), list(titles.values())
    rng.shuffle(texts)
    return dict(zip(ids, texts))


def report(model, encoder, world, calibration):
    a, b = calibration["a"], calibration["b"]
    for name, what in (("eval", "new shoppers, new items"), ("warm", "new shoppers, known items")):
        lines, truth = read_lines(world, name), read_truth(world, name)
        part = Part(encoder, lines)
        clicks = np.array(part.clicks, dtype=np.float64).ravel()
        best = roc_auc_score(clicks, truth.ravel())
        logits = score(model, part).ravel()
        p = 1 / (1 + np.exp(-(a * logits + b)))
        auc = roc_auc_score(clicks, logits)
        mixed = Part(encoder, lines, shuffled_titles(lines, random.Random(3)))
        auc_mixed = roc_auc_score(clicks, score(model, mixed).ravel())
        share = lambda x: 100 * (x - .5) / (best - .5)
        print("%s (%d ads shown)" % (what, len(clicks)))
        print("  best reachable   AUC %.4f  log loss %.4f" % (best, log_loss(truth.ravel(), clicks)))
        print("  model            AUC %.4f  log loss %.4f  ECE %.4f  %.1f %% of the way from 0.5"
              % (auc, log_loss(p, clicks), calibration_error(p, clicks), share(auc)))
        print("  titles shuffled  AUC %.4f  %.1f %% of the way from 0.5" % (auc_mixed, share(auc_mixed)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--world", required=True, help="directory written by adrank-sim world")
    parser.add_argument("--out", required=True, help="model directory to write")
    parser.add_argument("--from", dest="start", help="model directory to continue from")
    parser.add_argument("--skip", type=int, default=0, help="visits of the log that it has seen")
    parser.add_argument("--warm-steps", type=int, default=600, help="of next-behaviour training")
    parser.add_argument("--epochs", type=float, default=1.0, help="over the click log")
    parser.add_argument("--batch", type=int, default=32, help="visits a step")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = random.Random(args.seed)
    began = time.time()
    os.makedirs(args.out, exist_ok=True)

    lines = read_lines(args.world, "train", args.skip)
    vocab_file = os.path.join(args.out, "vocab.txt")
    if args.start:
        shutil.copyfile(os.path.join(args.start, "vocab.txt"), vocab_file)
        with open(vocab_file, encoding="utf-8") as file:
            vocab = file.read().splitlines()
    else:
        vocab = build_vocab(lines, vocab_file)
    encoder = Encoder(vocab_file)
    train = Part(encoder, lines)
    train.event_ids = [[encoder(e["text"]) for e in events] for _, events in train.events]
    base_rate = float(np.mean(train.clicks))
    del lines
    print("%d visits, click rate %.4f, vocabulary %d, parent tokens %.1f on average, %.0f s" %
          (len(train.parents), base_rate, len(vocab), np.mean([len(p) for p in train.parents]), time.time() - began),
          flush=True)

    model = PrefixBert(len(vocab))
    if args.start:
        read_directory(model, args.start)
    else:
        warm_embeddings(model, train, len(vocab))
    print("started, %.0f s" % (time.time() - began), flush=True)

    n = len(train.children[0])
    with_past = [i for i, (_, events) in enumerate(train.events) if len(events) >= 3]

    def next_loss(indices):
        parents, children = next_behaviour_batch(encoder, train, [with_past[i] for i in indices], rng, n)
        return F.cross_entropy(model(parents, children, n), torch.zeros(len(indices), dtype=torch.long))

    def click_loss(indices):
        children = padded([c for i in indices for c in train.children[i]])
        labels = torch.tensor([train.clicks[i] for i in indices], dtype=torch.float)
        return F.binary_cross_entropy_with_logits(model(padded([train.parents[i] for i in indices]), children, n), labels)

    if not args.start:
        steps = batches([train.parents[i] for i in with_past], args.batch // 2, rng)[:args.warm_steps]
        fit(model, {"name": "next behaviour", "rate": args.rate}, steps, next_loss)
        with torch.no_grad():
            model.classifier.bias.fill_(math.log(base_rate / (1 - base_rate)))
    steps = []
    while len(steps) < args.epochs * len(train.parents) / args.batch:
        steps += batches(train.parents, args.batch, rng)
    fit(model, {"name": "clicks", "rate": args.rate}, steps[:math.ceil(args.epochs * len(train.parents) / args.batch)],
        click_loss)

    calib_lines = read_lines(args.world, "calib")
    calib = Part(encoder, calib_lines)
    round_to_half(model, score(model, calib))
    a, b = platt(score(model, calib), np.array(calib.clicks, dtype=np.float64))
    calibration = {"a": round(a, 6), "b": round(b, 6)}
    golden = golden_requests(calib_lines, encoder, model, 6)
    spread = np.std([x for g in golden for x in g["logits"]])
    write_directory(model, args.out, vocab, calibration, round(base_rate, 4), golden)
    print("platt %s, golden logits' deviation %.2f, %d parameters, %d bytes of weights" %
          (calibration, spread, sum(p.numel() for p in model.parameters()),
           os.path.getsize(os.path.join(args.out, "model.safetensors"))))
    assert spread >= 1
    report(model, encoder, args.world, calibration)
    print("%.0f s in all" % (time.time() - began))


if __name__ == "__main__":
    main()
