"""The same 100 pairs as `adrank-model bench --kind cross --pairs 100 --prefix 64 --ads 8:24` in PyTorch: transformers'
BertForSequenceClassification of a model directory, eager with scaled-dot-product attention, f32 or bf16, sorted by length and
padded per chunk of its best size. Prints the median as JSON. usage: pytorch_cross.py MODEL [--precision P] [--threads N] [--seconds S]"""
import argparse
import json
import statistics
import time

import torch
from transformers import BertForSequenceClassification

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seconds", type=float, default=4)
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.manual_seed(1)
model = BertForSequenceClassification.from_pretrained(args.model)
model = model.to(torch.bfloat16 if args.precision == "bf16" else torch.float32).eval()
lengths = sorted(64 + int(n) for n in torch.randint(8, 25, (100,)))


def chunks(size):
    for i in range(0, len(lengths), size):
        part = lengths[i:i + size]
        ids = torch.randint(5, model.config.vocab_size, (len(part), max(part)))
        mask = torch.tensor([[int(t < n) for t in range(max(part))] for n in part])
        yield {"input_ids": ids, "attention_mask": mask}


@torch.inference_mode()
def run(parts):
    start = time.perf_counter()
    for part in parts:
        model(**part)
    return time.perf_counter() - start


best = min((run(parts) + run(parts), size) for size in (10, 25, 50, 100) for parts in [list(chunks(size))])[1]
parts = list(chunks(best))
times, end = [], time.perf_counter() + args.seconds
while time.perf_counter() < end or len(times) < 3:
    times.append(run(parts))
median = statistics.median(times)
print(json.dumps({"peer": f"PyTorch {torch.__version__} {args.precision}", "chunk": best, "rounds": len(times),
                  "median_ms": round(median * 1e3, 1), "pairs_per_s": round(100 / median, 1)}))
