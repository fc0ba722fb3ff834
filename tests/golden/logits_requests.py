"""Requests for logits.py: templates and segments written down once more, from the documentation, in Python.

prefix: the parent is [CLS] context behaviours [SEP] of type 0; every ad is a child [CLS] ad [SEP] of type 1 with
positions going on after the parent's; a child sees itself and the parent, the parent sees itself. All of them are
one row of BertModel with a mask of (tokens, tokens) and position ids of our own.
"""

import math
import random
from datetime import datetime, timedelta, timezone

import torch
from logits_models import WORDS, random_text

DEVICES = ["", "mobile", "pc", "tv", "phone", "tablet", "connected", "settopbox"]
DAYPARTS = ["night", "morning", "afternoon", "evening"]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DEFAULT = {
    "context": "{search} | {daypart} {weekday} {device} {os} {language} {country} {city} {domain} {cat} {tagid} | ",
    "behaviour": "{type} {text} ; ",
    "ad": "{text}",
}

_COMMON = dict(cased=False, labels=1, act="gelu", dtype="float16", layers=2, files="vocab")
SPECS = [
    dict(_COMMON, name="two-layers", kind="prefix", hidden=48, heads=4, inner=96, positions=128,
         input=dict(DEFAULT, max_context_tokens=72, max_ad_tokens=20)),
    dict(_COMMON, name="other-template", kind="prefix", hidden=40, heads=5, inner=64, positions=80, labels=2,
         act="gelu_new", dtype="bfloat16", layers=3, files="json", cased=True,
         input={"context": "{{{hour}}} {weekday},{daypart}: {search}{cat}!", "behaviour": "({item}) {text} {type}",
                "ad": "{title}/{desc}/{text}", "max_context_tokens": 40, "max_ad_tokens": 24}),
    # Of the sizes tried, one whose bf16 loses little: 32, 2 and 64 lose .19 of the spread in PyTorch too.
    dict(_COMMON, name="cross", kind="cross", hidden=64, heads=4, inner=80, positions=64, layers=1,
         input=dict(DEFAULT, max_context_tokens=40, max_ad_tokens=16)),
]


# ---------------------------------------------------------------- requests


def random_request(rng, i, cased):
    def text(n):
        return random_text(rng, rng.randint(1, n), cased)

    request = {"id": f"g-{i}", "imp": [{"id": "1", "tagid": rng.choice(["home", "top", "sale"])}], "rank": {}}
    device = {}
    if rng.random() < 0.8:
        device["devicetype"] = rng.randint(1, 7)
    if rng.random() < 0.8:
        device["os"], device["language"] = rng.choice(["android", "ios"]), rng.choice(["en", "de", "zh"])
    geo = {}
    if rng.random() < 0.7:
        geo["country"], geo["city"] = "DEU", rng.choice(["BER", "city"])
    if rng.random() < 0.7:
        geo["utcoffset"] = rng.choice([0, 60, -480, 330, 765])
    device["geo"] = geo
    request["device"] = device
    site = {"domain": "shop.example", "cat": rng.sample(["IAB1", "IAB22", "book", "sale"], rng.randint(0, 3))}
    if rng.random() < 0.8:
        site["search"] = text(4)
    request["site"] = site
    now = 1790000000000 + rng.randint(0, 7 * 86400) * 1000
    times = rng.sample(range(now - 10**9, now), rng.choice([0, 1, 3, 12]))  # in any order
    request["rank"]["behaviour"] = [
        {"t": t, "type": rng.choice(["view", "click", "cart", "buy", "search"]), "item": f"sku{rng.randint(1, 99)}",
         "text": text(6)} for t in times]
    request["rank"]["candidates"] = [{"adid": f"a{k}", "bid": 1, "text": text(rng.choice([3, 8, 40]))}
                                     for k in range(rng.choice([1, 3, 8]))]
    return {"now_ms": now, "request": request}


def random_requests(spec):
    rng = random.Random(spec["name"])
    lines = [random_request(rng, i, spec["cased"]) for i in range(14)]
    lines[0]["request"]["site"]["search"] = " ".join(rng.choice(WORDS) for _ in range(200))  # context does not fit
    lines[1]["request"]["rank"]["behaviour"] = []
    return lines


# ---------------------------------------------------------------- templates


def render(template, fields):
    return template.format(**fields)


def context_fields(line):
    r = line["request"]
    device, site = r.get("device", {}), r.get("site", {})
    geo = device.get("geo", {})
    fields = dict.fromkeys(("daypart", "hour", "weekday"), "")
    if "utcoffset" in geo:
        local = datetime.fromtimestamp(line["now_ms"] / 1000, timezone.utc) + timedelta(minutes=geo["utcoffset"])
        fields = {"daypart": DAYPARTS[local.hour // 6], "hour": str(local.hour), "weekday": WEEKDAYS[local.weekday()]}
    return dict(fields, search=site.get("search", ""), device=DEVICES[device.get("devicetype", 0)],
                os=device.get("os", ""), language=device.get("language", ""), country=geo.get("country", ""),
                city=geo.get("city", ""), domain=site.get("domain", ""), cat=" ".join(site.get("cat", [])),
                tagid=r["imp"][0].get("tagid", ""))


def tokens(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def parts(tokenizer, config, line, ad_specials):
    """Ids of context with behaviours, and of every ad, cut to the limits."""
    room = config["max_context_tokens"] - 2
    context = tokens(tokenizer, render(config["context"], context_fields(line)))[:room]
    for event in sorted(line["request"]["rank"]["behaviour"], key=lambda e: -e["t"]):
        ids = tokens(tokenizer, render(config["behaviour"], event))
        if len(context) + len(ids) > room:
            break
        context += ids
    ads = [tokens(tokenizer, render(config["ad"], {"title": c["text"], "desc": "", "text": c["text"]}))
           [:config["max_ad_tokens"] - ad_specials] for c in line["request"]["rank"]["candidates"]]
    return context, ads


# ---------------------------------------------------------------- kinds


def logit(logits):
    values = logits.float().tolist()
    return values[0] if len(values) == 1 else values[1] - values[0]


def score_cross(model, tokenizer, config, line):
    context, ads = parts(tokenizer, config, line, 1)
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    out = []
    for ad in ads:
        first, second = [cls] + context + [sep], ad + [sep]
        with torch.no_grad():
            out.append(logit(model(input_ids=torch.tensor([first + second]),
                                   token_type_ids=torch.tensor([[0] * len(first) + [1] * len(second)])).logits[0]))
    return out


def score_prefix(model, tokenizer, config, line):
    context, ads = parts(tokenizer, config, line, 2)
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    parent = [cls] + context + [sep]
    ids, types, positions = list(parent), [0] * len(parent), list(range(len(parent)))
    owner, starts = [-1] * len(parent), []
    for i, ad in enumerate(ads):
        child = [cls] + ad + [sep]
        starts.append(len(ids))
        ids += child
        types += [1] * len(child)
        positions += range(len(parent), len(parent) + len(child))
        owner += [i] * len(child)
    owner = torch.tensor(owner)
    sees = (owner[None, :] == owner[:, None]) | (owner[None, :] == -1)
    dtype = model.dtype
    mask = torch.zeros(sees.shape, dtype=dtype).masked_fill(~sees, torch.finfo(dtype).min)
    with torch.no_grad():
        hidden = model.bert(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types]),
                            position_ids=torch.tensor([positions]),
                            attention_mask=mask[None, None]).last_hidden_state
        rows = hidden[0, starts]
        pooled = torch.tanh(model.bert.pooler.dense(rows))
        return [logit(row) for row in model.classifier(pooled)]


KINDS = {"cross": score_cross, "prefix": score_prefix}


BF16_SLACK = 1.2  # of what PyTorch's own bf16 loses on the same input
LARGEST_ERROR = 0.1  # no directory may allow itself more


def adrank_json(spec, lines, bf16_error):
    """max_error of bf16 is written from what was measured, rounded up."""
    bf16 = math.ceil(BF16_SLACK * bf16_error * 1000) / 1000
    assert bf16 <= LARGEST_ERROR, f"{spec['name']}: bf16 loses {bf16_error:.3f}: take another size"
    return {"format": 1, "kind": spec["kind"], "name": "golden-" + spec["name"], "version": "1",
            "input": spec["input"], "heads": {"ctr": {"labels": spec["labels"]}},
            "calibration": {"type": "platt", "a": 0.9, "b": -1.5}, "base_rate": 0.03,
            "golden": {"max_error": {"f32": 1e-4, "bf16": bf16}, "requests": lines}}
