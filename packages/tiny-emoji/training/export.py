"""Stage 5: the checkpoint folder in Diffusers layout, in float16.

    python export.py config_gpu.json --run run --out model
"""

import json
import shutil
import struct
import time
from pathlib import Path

import numpy as np
import torch

from trainer import arguments

LAYOUT = json.loads((Path(__file__).parent / "layout.json").read_text())
WEIGHTS = {
    "text_encoder": "text_encoder/model.safetensors",
    "unet": "unet/diffusion_pytorch_model.safetensors",
    "vae": "vae/diffusion_pytorch_model.safetensors",
}


def network_config(config, name, **facts):
    """A network's whole `config.json`: Diffusers' keys with what this config says, and facts found on the way."""
    part = {"vae": "autoencoder", "unet": "diffusion"}.get(name)
    ours = config[part]["model"] if part else config[name]
    return {**LAYOUT[f"{name}/config.json"], **ours, **facts}


def read_safetensors(path):
    """The tensors of a float16 or float32 safetensors file."""
    content = Path(path).read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header, tensors = json.loads(content[8 : 8 + size]), {}
    for name, facts in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in facts["data_offsets"])
            kind = {"F16": np.float16, "F32": np.float32}[facts["dtype"]]
            values = np.frombuffer(content[begin:end], kind).astype(np.float32)
            tensors[name] = torch.from_numpy(values).reshape(facts["shape"])
    return tensors


def write_safetensors(path, tensors):
    """Tensors as float16, in order of name."""
    header, parts, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        part = tensors[name].detach().cpu().contiguous().half().numpy().tobytes()
        header[name] = {"dtype": "F16", "shape": list(tensors[name].shape), "data_offsets": [offset, offset + len(part)]}
        parts.append(part)
        offset += len(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def load_weights(module, folder, name):
    """Fills a network from a checkpoint folder."""
    module.load_state_dict(read_safetensors(Path(folder) / WEIGHTS[name]))


def write_json(path, value):
    """Writes indented JSON, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_checkpoint(folder, configs, weights, tokenizer):
    """Writes every file of the checkpoint into an empty folder beside it, then exchanges the two."""
    folder = Path(folder)
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for path in (fresh, old):
        shutil.rmtree(path, ignore_errors=True)
    for name, value in {**LAYOUT, **configs}.items():
        write_json(fresh / name, value)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(tokenizer / name, fresh / "tokenizer" / name)
    for name, tensors in weights.items():
        write_safetensors(fresh / WEIGHTS[name], tensors)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read_vocabulary_size(run):
    """The text encoder's config entries that come from the tokenizer."""
    size = len(json.loads((run / "tokenizer/vocab.json").read_text(encoding="utf-8")))
    return {"vocab_size": size, "bos_token_id": size - 2, "eos_token_id": size - 1, "pad_token_id": size - 1}


def snapshot_checkpoint(config, run, module, step, folder=None):
    """Writes the checkpoint of the averaged weights, and beside it a line that says how far it has come."""
    folder = Path(folder or run / "export")
    vae = torch.load(run / "vae.pt", map_location="cpu")
    configs = {
        "text_encoder/config.json": network_config(config, "text_encoder", **read_vocabulary_size(run)),
        "unet/config.json": network_config(config, "unet"),
        "vae/config.json": network_config(config, "vae", scaling_factor=vae["scaling_factor"]),
    }
    weights = {**{name: part.state_dict() for name, part in module.items()}, "vae": vae["weights"]}
    write_checkpoint(folder, configs, weights, run / "tokenizer")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    line = f"step {step}, {time.strftime('%Y-%m-%d %H:%M:%S')}, {size / 1e6:.2f} MB, autoencoder {vae['psnr']:.2f} dB\n"
    (folder.parent / "SNAPSHOT").write_text(line)


def main():
    from diffusion import build

    config, options = arguments(__doc__, out="model")
    state = torch.load(options.run / "diffusion.pt", map_location="cpu")
    module = build(config, options.run)
    module.load_state_dict(state["average"])
    snapshot_checkpoint(config, options.run, module, state["step"], options.out)


if __name__ == "__main__":
    main()
