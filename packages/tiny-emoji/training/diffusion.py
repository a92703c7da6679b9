"""Stage 4: the text encoder and the UNet, trained together on latents of the autoencoder.

    python diffusion.py config_gpu.json --run run [--init checkpoint]
"""

import math
import random

import torch
from torch import nn

import data
from autoencoder import build as build_autoencoder
from export import load_weights, network_config, read_vocabulary_size, snapshot_checkpoint
from networks import TextEncoder, UNet
from sampler import alpha_bars, draw_sheet
from tokenizer import Tokenizer
from trainer import arguments, bfloat16, device, train, write_atomically


def load_autoencoder(config, run):
    """The autoencoder that stage 3 left, and its scaling factor."""
    state = torch.load(run / "vae.pt", map_location="cpu")
    module = build_autoencoder(config)
    module.load_state_dict(state["weights"])
    return module.requires_grad_(False), state["scaling_factor"]


@torch.no_grad()
def encode_views(config, run):
    """Scaled latents of several views of every picture [N, V, C, h, w] (float16) and their backgrounds [N, V]."""
    _, pictures = data.load(run)
    autoencoder, factor = load_autoencoder(config, run)
    chance = torch.Generator().manual_seed(config["seed"])
    latents, backgrounds = [], []
    for part in pictures.split(8):
        repeated = part.repeat_interleave(config["diffusion"]["training"]["views"], dim=0)
        images, chosen = data.views(repeated, config["data"], chance)
        with bfloat16():
            mean, _ = autoencoder.encode(images.contiguous(memory_format=torch.channels_last))
        latents.append((mean.float() * factor).half().cpu().unflatten(0, (len(part), -1)))
        backgrounds.append(chosen.unflatten(0, (len(part), -1)))
    return {"latents": torch.cat(latents), "backgrounds": torch.cat(backgrounds)}


def cached_views(config, run):
    """The latents of all views, computed once and kept in the run folder."""
    path = run / "latents.pt"
    if not path.exists():
        cache = encode_views(config, run)
        write_atomically(path, lambda temporary: torch.save(cache, temporary))
    return torch.load(path)


def spread_timesteps(count, generator, focus):
    """Timesteps [count] of 0 … 999, one from each of `count` equal shares of a density that is highest at the middle.

    The density is 1 / (1 + focus · cos 2πu): shapes are decided at middle noise levels.
    """
    u = torch.arange(count, device=device()) + torch.rand(count, generator=generator, device=device())
    u = u / count
    return (1000 * (u + focus * torch.sin(2 * math.pi * u) / (2 * math.pi))).long().clamp(0, 999)


def snr_weights(alpha_bar, gamma):
    """min(SNR, γ) / SNR for noise prediction (Hang et al. 2023, eq. 9)."""
    ratio = alpha_bar / (1 - alpha_bar)
    return ratio.clamp(max=gamma) / ratio


class Batches:
    """Random batches of latents and token ids, drawn from a seed and a step number."""

    def __init__(self, config, run):
        self.settings, self.seed = config["diffusion"]["training"], config["seed"]
        self.catalog, _ = data.load(run)
        cache = cached_views(config, run)
        self.latents, self.backgrounds = cache["latents"].to(device()), cache["backgrounds"].tolist()
        self.weights = torch.tensor([entry["weight"] for entry in self.catalog])
        self.tokenizer = Tokenizer(run / "tokenizer", network_config(config, "text_encoder")["max_position_embeddings"])

    def caption(self, entry, view, chance):
        """The caption of one view, or none."""
        if chance.random() < self.settings["empty_share"]:
            return ""
        background = list(data.BACKGROUNDS)[self.backgrounds[entry][view]]
        return data.caption(self.catalog[entry], background, chance, self.settings["keyword_share"])

    def draw(self, step):
        """Latents [B, C, h, w] and token ids [B, M]."""
        chance = random.Random(f"{self.seed} {step}")
        generator = torch.Generator().manual_seed((self.seed << 32) + step)
        entries = torch.multinomial(self.weights, self.settings["batch"], replacement=True, generator=generator)
        views = torch.randint(self.latents.shape[1], entries.shape, generator=generator)
        captions = [self.caption(*pair, chance) for pair in zip(entries.tolist(), views.tolist())]
        latents = self.latents[entries.to(device()), views.to(device())].float()
        return latents.contiguous(memory_format=torch.channels_last), self.tokenizer.encode(captions).to(device())


def make_loss(batches):
    """The loss of one random batch: weighted squared error of the predicted noise (Ho et al. 2020, eq. 14)."""
    bars = alpha_bars().to(device())
    weights = snr_weights(bars, batches.settings["gamma"])

    def loss(module, generator, step):
        clean, ids = batches.draw(step)
        t = spread_timesteps(len(clean), generator, batches.settings["focus"])
        noise = torch.randn(clean.shape, generator=generator, device=device())
        alpha = bars[t][:, None, None, None]
        noisy = (alpha.sqrt() * clean + (1 - alpha).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        with bfloat16():
            predicted = module["unet"](noisy, t, module["text_encoder"](ids))
        return (weights[t] * (predicted.float() - noise).square().mean(dim=(1, 2, 3))).mean()

    return loss


def build(config, run, init=None):
    """Text encoder and UNet, new or from a checkpoint folder."""
    text = network_config(config, "text_encoder", **read_vocabulary_size(run))
    module = nn.ModuleDict({"text_encoder": TextEncoder(text), "unet": UNet(network_config(config, "unet"))})
    if init:
        for name in module:
            load_weights(module[name], init, name)
    return module.to(device(), memory_format=torch.channels_last)


def main():
    config, options = arguments(__doc__, init=None)
    torch.manual_seed(config["seed"])
    module = build(config, options.run, options.init)
    batches = Batches(config, options.run)
    autoencoder, factor = load_autoencoder(config, options.run)

    def snapshot(training):
        snapshot_checkpoint(config, options.run, training.average, training.step)
        draw_sheet(options.run / "sheet.png", training.average, autoencoder, factor, batches.tokenizer)

    settings = config["diffusion"]["training"]
    train(module, make_loss(batches), settings, options.run, "diffusion", options.minutes, config["seed"], snapshot)


if __name__ == "__main__":
    main()
