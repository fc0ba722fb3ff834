"""Writes tests/golden/models/e2e: a small BertForSequenceClassification directory as Hugging Face saves it, with
random weights, for tests of the daemon that need any model at all. With --check, compares instead of writing."""
import pathlib
import sys
import tempfile

import torch
from transformers import BertConfig, BertForSequenceClassification

HERE = pathlib.Path(__file__).parent / "models" / "e2e"
WORDS = """the a of and for trail running shoes electric kettle yoga mat phone case garden hose waterproof hiking jacket
light view click cart buy search night morning afternoon evening monday tuesday wednesday thursday friday saturday
sunday paused future ad""".split()
HAN = "跑步鞋轻便电热水壶手机壳的运动户外防水夹克茶"


def write(folder):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    chars = "abcdefghijklmnopqrstuvwxyz0123456789|;,.!?-'&"
    pieces += list(chars) + ["##" + c for c in chars if c.isalnum()] + WORDS[2:] + ["the"] + list(HAN)
    pieces = list(dict.fromkeys(pieces))
    config = BertConfig(vocab_size=len(pieces), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=64, max_position_embeddings=128, num_labels=1)
    torch.manual_seed(7)
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight.normal_(0, 1.0)
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--check" in sys.argv:
        with tempfile.TemporaryDirectory() as made:
            write(pathlib.Path(made))
            for name in ("config.json", "model.safetensors", "vocab.txt"):
                assert (pathlib.Path(made) / name).read_bytes() == (HERE / name).read_bytes(), name
    else:
        HERE.mkdir(parents=True, exist_ok=True)
        write(HERE)
