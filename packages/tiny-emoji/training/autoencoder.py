"""Stage 3: the autoencoder.

    python autoencoder.py config_gpu.json --run run [--init checkpoint --decoder-only yes]
"""

import json
from pathlib import Path

import torch

import data
from export import load_weights, network_config
from networks import Autoencoder
from trainer import arguments, bfloat16, device, train, write_atomically


def edges(image):
    """Differences of neighbouring pixels, across and down."""
    return image[..., 1:] - image[..., :-1], image[..., 1:, :] - image[..., :-1, :]


def distance(a, b):
    """L1 + L2 of the pixels and L1 of the edges."""
    rough = sum((p - q).abs().mean() for p, q in zip(edges(a), edges(b)))
    return (a - b).abs().mean() + (a - b).square().mean() + rough


def divergence(mean, logvar):
    """KL of the posterior from the unit Gaussian, per latent value."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()


def make_loss(pictures, config):
    """The loss of one random batch of views."""
    settings = config["autoencoder"]["training"]

    def loss(module, generator, step):
        chance = torch.Generator().manual_seed(config["seed"] + step)
        chosen = torch.randint(len(pictures), (settings["batch"],), generator=chance).to(device())
        image, _ = data.views(pictures[chosen], config["data"], chance)
        image = image.contiguous(memory_format=torch.channels_last)
        with bfloat16():
            mean, logvar = (x.float() for x in module.encode(image))
            noise = torch.randn(mean.shape, generator=generator, device=device())
            output = module.decode(mean + (0.5 * logvar).exp() * noise).float()
        return distance(output, image) + settings["kl"] * divergence(mean, logvar)

    return loss


@torch.no_grad()
def measure(module, pictures, config, count=256):
    """PSNR in dB of reconstructions of fixed views, and the standard deviation of their latents."""
    chance = torch.Generator().manual_seed(config["seed"])
    chosen = torch.randperm(len(pictures), generator=chance)[:count].to(device())
    errors, latents = [], []
    for part in chosen.split(32):
        image, _ = data.views(pictures[part], config["data"], chance)
        mean, _ = module.encode(image)
        output = module.decode(mean).clamp(-1, 1)
        errors.append(((output - image) / 2).square().mean(dim=(1, 2, 3)))
        latents.append(mean.flatten())
    return -10 * torch.cat(errors).log10().mean().item(), torch.cat(latents).std().item()


def build(config, init=None, decoder_only=False):
    """A new autoencoder, or one that goes on from a checkpoint folder, its encoder fixed if so asked."""
    module = Autoencoder(network_config(config, "vae"))
    if init:
        load_weights(module, init, "vae")
    if decoder_only:
        module.encoder.requires_grad_(False)
        module.quant_conv.requires_grad_(False)
    return module.to(device(), memory_format=torch.channels_last)


def main():
    config, options = arguments(__doc__, **{"init": None, "decoder-only": None})
    torch.manual_seed(config["seed"])
    _, pictures = data.load(options.run)
    module = build(config, options.init, options.decoder_only)
    settings = config["autoencoder"]["training"]
    given = json.loads((Path(options.init) / "vae/config.json").read_text()) if options.init else {}

    def snapshot(training):
        psnr, spread = measure(training.average, pictures, config)
        print(f"step {training.step}: {psnr:.2f} dB, latent deviation {spread:.4f}", flush=True)
        factor = given.get("scaling_factor", round(1 / spread, 5))
        state = {"weights": training.average.state_dict(), "psnr": psnr, "scaling_factor": factor}
        write_atomically(options.run / "vae.pt", lambda path: torch.save(state, path))

    loss = make_loss(pictures, config)
    train(module, loss, settings, options.run, "autoencoder", options.minutes, config["seed"], snapshot)


if __name__ == "__main__":
    main()
