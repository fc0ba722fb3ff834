"""PyTorch on a GPU beside our passes, in turns on the same card: 16 requests of 64 tokens and 100 ads of 8 to 24 each, f16, random
weights. Its two ways: transformers' BertForSequenceClassification, compiled, on pairs sorted by length and padded to 80 or 88
(`cross`), and a hand-packed forward pass with flex_attention in which ads share their request's prefix (`flex`). In every round
each of them and then bench-gpu (--steps) is timed. Prints microseconds and, as lines "figure NAME VALUE" for bench-targets, how
many times as many pairs a second ours does: medians over the rounds. Needs torch and transformers.
usage: pytorch_gpu.py [--bench PROGRAM] [--rounds N] [--seconds S] [--device cuda|cpu] [--tiny] [--eager]"""
import argparse
import statistics
import subprocess
import sys
import time

BURST_S = 0.1  # of runs that are timed together
SHAPES = {"MiniLM-L6": (6, 384, 12, 1536, 30522), "BERT-base": (12, 768, 12, 3072, 30522)}
TINY = {"tiny": (2, 64, 2, 128, 100)}
BEGAN = time.perf_counter()


def report(text):
    print(f"[{time.perf_counter() - BEGAN:6.1f} s] {text}", flush=True)


class Ours:
    """bench-gpu, which measures a round when asked."""

    def __init__(self, program, size, tiny):
        command = [program, "--steps", "--only", f"/{size}"] + (["--tiny"] if tiny else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.rows_until("ready")

    def rows_until(self, last):
        rows = {}
        for line in self.process.stdout:
            if line.strip() == last:
                return rows
            words = line.split()
            if len(words) == 4 and words[0] == "step":
                rows[words[1]] = float(words[2])
        sys.exit(f"{self.process.args[0]} ended early, with status {self.process.wait()}")

    def round(self):
        """{"MiniLM-L6/prefix/16x100": microseconds on the device}"""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.rows_until("done")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Workload:
    """Token ids and lengths of every request; the same for both ways."""

    def __init__(self, torch, requests, ads, context, vocabulary):
        generator = torch.Generator().manual_seed(1)
        low = min(1000, vocabulary // 2)
        draw = lambda n: torch.randint(low, vocabulary, (n,), generator=generator)
        self.context = context
        self.requests = [(draw(context), [draw(8 + i % 17) for i in torch.randperm(ads, generator=generator).tolist()])
                         for _ in range(requests)]
        self.n_pairs = requests * ads

    def pairs(self):
        return [(prefix, ad) for prefix, ads in self.requests for ad in ads]


def make_model(torch, shape, device, dtype):
    """With weights that give logits a spread; transformers' own start out too small for that."""
    from transformers import BertConfig, BertForSequenceClassification
    layers, hidden, heads, inner, vocabulary = shape
    config = BertConfig(vocab_size=vocabulary, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
                        intermediate_size=inner, num_labels=1)
    torch.manual_seed(1)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.05 if hidden <= 384 else 0.03)
            elif "LayerNorm.weight" not in name:
                weight.normal_(0, 0.03)
    return model.to(device=device, dtype=dtype)


def padded_batches(torch, workload, device):
    """Pairs by length, each group padded to its own width: (ids, types, mask)."""
    longest = workload.context + 24
    waiting, batches = workload.pairs(), []
    for width in (longest - 8, longest):
        group = [p for p in waiting if len(p[0]) + len(p[1]) <= width]
        waiting = [p for p in waiting if len(p[0]) + len(p[1]) > width]
        if not group:
            continue
        ids, types, mask = (torch.zeros(len(group), width, dtype=torch.long) for _ in range(3))
        for row, (prefix, ad) in enumerate(group):
            end = len(prefix) + len(ad)
            ids[row, :end] = torch.cat([prefix, ad])
            types[row, len(prefix):end] = 1
            mask[row, :end] = 1
        batches.append({"input_ids": ids.to(device), "token_type_ids": types.to(device), "attention_mask": mask.to(device)})
    return batches


class PackedPrefix:
    """All requests as one row of tokens: a prefix, then its ads, which see the prefix and themselves. Made once, its tensors are
    inputs of the compiled pass."""

    def __init__(self, torch, workload, device):
        ids, types, positions, own, parent, read = [], [], [], [], [], []
        segment = at = 0
        for prefix, ads in workload.requests:
            root = segment
            for n, tokens in enumerate([prefix] + ads):
                if n:
                    read.append(at)
                ids.append(tokens)
                types.append(torch.full_like(tokens, int(n > 0)))
                positions.append(torch.arange(len(tokens)) + (len(prefix) if n else 0))
                own.append(torch.full_like(tokens, segment))
                parent.append(torch.full_like(tokens, root))
                segment += 1
                at += len(tokens)
        self.ids, self.types, self.positions = (torch.cat(x).to(device) for x in (ids, types, positions))
        self.own, self.parent = (torch.cat(x).to(device=device, dtype=torch.int32) for x in (own, parent))
        self.read = torch.tensor(read, device=device)

    def block_mask(self):
        from torch.nn.attention.flex_attention import create_block_mask
        own, parent = self.own, self.parent

        def sees(_batch, _head, q, k):
            return (own[q] == own[k]) | (parent[q] == own[k])

        n = len(self.ids)
        return create_block_mask(sees, None, None, n, n, device=str(self.ids.device))


def packed_forward(torch, model):
    """The model's forward pass on a PackedPrefix, queries, keys and values by one product."""
    from torch.nn.attention.flex_attention import flex_attention
    bert, heads = model.bert, model.config.num_attention_heads
    joined = []
    for layer in bert.encoder.layer:
        parts = (layer.attention.self.query, layer.attention.self.key, layer.attention.self.value)
        joined.append((torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts])))

    def forward(ids, types, positions, read, mask):
        e = bert.embeddings
        x = e.LayerNorm(e.word_embeddings(ids) + e.position_embeddings(positions) + e.token_type_embeddings(types))
        for layer, (weight, bias) in zip(bert.encoder.layer, joined):
            qkv = torch.nn.functional.linear(x, weight, bias).unflatten(1, (3, heads, -1))
            q, k, v = (part.transpose(0, 1).unsqueeze(0) for part in qkv.unbind(1))
            seen = flex_attention(q, k, v, block_mask=mask)[0].transpose(0, 1).flatten(1)
            x = layer.attention.output.LayerNorm(layer.attention.output.dense(seen) + x)
            inner = torch.nn.functional.gelu(layer.intermediate.dense(x))
            x = layer.output.LayerNorm(layer.output.dense(inner) + x)
        return model.classifier(torch.tanh(bert.pooler.dense(x[read])))

    return forward


class Timed:
    """A way to compute all pairs once, compiled and warm."""

    def __init__(self, torch, device, run):
        self.torch, self.cuda, self.run = torch, device == "cuda", run
        began = time.perf_counter()
        for _ in range(3):
            out = run()
            self.wait()
        if not all(bool(torch.isfinite(logits).all()) for logits in out):
            sys.exit("PyTorch's logits are not finite")
        self.compile_s = time.perf_counter() - began
        self.repeats = max(1, int(BURST_S * 1e6 / self.us_of(1)))

    def wait(self):
        if self.cuda:
            self.torch.cuda.synchronize()

    def us_of(self, repeats):
        if not self.cuda:
            began = time.perf_counter()
            for _ in range(repeats):
                self.run()
            return (time.perf_counter() - began) * 1e6 / repeats
        start, stop = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(repeats):
            self.run()
        stop.record()
        self.wait()
        return start.elapsed_time(stop) * 1000 / repeats

    def us(self):
        """Of the second burst: the first brings the card to the clock that this work leaves it."""
        self.us_of(self.repeats)
        return self.us_of(self.repeats)


def make_cross(torch, args, model, workload):
    net = model if args.eager else torch.compile(model, dynamic=False, mode="reduce-overhead")
    batches = padded_batches(torch, workload, args.device)

    def run():
        torch.compiler.cudagraph_mark_step_begin()
        return [net(**batch).logits for batch in batches]

    return Timed(torch, args.device, run)


def make_flex(torch, args, model, workload):
    packed = PackedPrefix(torch, workload, args.device)
    forward = packed_forward(torch, model)
    net = forward if args.eager else torch.compile(forward, dynamic=False)
    mask = packed.block_mask()
    return Timed(torch, args.device, lambda: [net(packed.ids, packed.types, packed.positions, packed.read, mask)])


def make_all(torch, args, shapes, size):
    """{(model, way): Timed}; what fails or finds no time left is reported and left out."""
    dtype = torch.float16 if args.device == "cuda" else torch.float32
    ways = {}
    for name, shape in shapes.items():
        model = make_model(torch, shape, args.device, dtype)
        workload = Workload(torch, size[0], size[1], 16 if args.tiny else 64, shape[4])
        for way, make in (("cross", make_cross), ("flex", make_flex)):
            if time.perf_counter() - BEGAN > args.seconds * 0.7:
                report(f"{name} {way}: no time left to compile it")
                continue
            try:
                ways[name, way] = make(torch, args, model, workload)
                report(f"{name} {way}: compiled in {ways[name, way].compile_s:.1f} s")
            except Exception as why:  # whatever a compiler raises: the other ways still count
                report(f"{name} {way}: FAILED: {type(why).__name__}: {str(why)[:300]}")
    return ways


def print_results(theirs, ours, size):
    """Lists over the rounds by (model, way) and by path."""
    for (model, way), us in theirs.items():
        print(f"figure peer/{model}/pytorch_{way}_us {statistics.median(us):.6g}")
    for path, us in ours.items():
        print(f"figure peer/ours/{path}/device_us {statistics.median(us):.6g}")
    rows = (("cross", "cross", "cross"), ("prefix", "cross", "prefix"), ("flex", "flex", "prefix"))
    for model in sorted({path.split("/")[0] for path in ours}):
        for figure, way, kind in rows:
            us = theirs.get((model.removesuffix("-tanh"), way))
            if us:
                ratios = [t / o for t, o in zip(us, ours[f"{model}/{kind}/{size}"])]
                print(f"figure peer/{model}/{figure} {statistics.median(ratios):.4g}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--bench", default="build/release/bin/bench-gpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--eager", action="store_true")
    args = parser.parse_args()
    size = (3, 3) if args.tiny else (16, 100)
    name = f"{size[0]}x{size[1]}"
    ours = Ours(args.bench, name, args.tiny)  # it chooses algorithms by time: nothing else may run then
    report(f"{args.bench} is ready")
    import torch
    torch._dynamo.config.cache_size_limit = 64
    theirs, measured = {}, {}
    with torch.no_grad():
        ways = make_all(torch, args, TINY if args.tiny else SHAPES, size)
        report(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name() if args.device == 'cuda' else 'cpu'}")
        for n in range(args.rounds):
            if n and time.perf_counter() - BEGAN > args.seconds:
                break
            for key, timed in ways.items():
                theirs.setdefault(key, []).append(timed.us())
            for path, us in ours.round().items():
                measured.setdefault(path, []).append(us)
            report(f"round {n + 1}")
    ours.close()
    print_results(theirs, measured, name)
    return 0 if len(ways) == 2 * len(TINY if args.tiny else SHAPES) else 1


if __name__ == "__main__":
    sys.exit(main())
