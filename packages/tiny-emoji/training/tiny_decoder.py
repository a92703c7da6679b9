"""Stage 6: the tiny autoencoder that previews are drawn with, taught by the autoencoder of stage 3.

    python tiny_decoder.py config_cpu.json --run run --out ../model/vae_tiny
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from autoencoder import distance
from diffusion import cached_views, load_autoencoder
from export import write_json, write_safetensors
from trainer import arguments, bfloat16, device, train


class TinyBlock(nn.Module):
    """relu(conv(relu(conv(relu(conv x)))) + x)"""

    def __init__(self, width):
        super().__init__()
        convs = (nn.Conv2d(width, width, 3, padding=1) for _ in range(3))
        self.conv = nn.Sequential(*(part for conv in convs for part in (conv, nn.ReLU())))[:-1]

    def forward(self, x):
        return F.relu(self.conv(x) + x)


class TinyAutoencoder(nn.Module):
    """AutoencoderTiny (Bohan 2023): images in [-1, 1] to scaled latents, and back."""

    def __init__(self, config):
        super().__init__()
        self.encoder, self.decoder = nn.Module(), nn.Module()
        self.encoder.layers = nn.Sequential(*self.encoder_layers(config))
        self.decoder.layers = nn.Sequential(*self.decoder_layers(config))

    @staticmethod
    def encoder_layers(config):
        """A convolution and blocks at each size; all but the first convolution halve it."""
        blocks, width = config["num_encoder_blocks"], config["encoder_block_out_channels"][0]
        for i, count in enumerate(blocks):
            first = i == 0
            yield nn.Conv2d(3 if first else width, width, 3, stride=1 if first else 2, padding=1, bias=first)
            yield from (TinyBlock(width) for _ in range(count))
        yield nn.Conv2d(width, config["latent_channels"], 3, padding=1)

    @staticmethod
    def decoder_layers(config):
        """Blocks, an enlargement and a convolution at each size; the last convolution gives colours."""
        blocks, width = config["num_decoder_blocks"], config["decoder_block_out_channels"][0]
        yield from (nn.Conv2d(config["latent_channels"], width, 3, padding=1), nn.ReLU())
        for count in blocks[:-1]:
            yield from (TinyBlock(width) for _ in range(count))
            yield from (nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1, bias=False))
        yield from (TinyBlock(width) for _ in range(blocks[-1]))
        yield nn.Conv2d(width, 3, 3, padding=1)

    def encode(self, image):
        """Scaled latents [B, C, H / f, W / f]."""
        return self.encoder.layers((image + 1) / 2)

    def decode(self, latents):
        """Image [B, 3, H, W] of scaled latents."""
        return 2 * self.decoder.layers(3 * torch.tanh(latents / 3)) - 1


def halfway(latents, generator):
    """Latents as they are predicted on the way: half of them blurred, as early steps do, half of these towards another's."""
    blurred = F.avg_pool2d(F.pad(latents, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    share = torch.rand(len(latents), 1, 1, 1, generator=generator, device=latents.device)
    rough = latents.lerp(blurred, share)
    mixed = torch.where(share < 0.5, rough, rough.lerp(rough.flip(0), share - 0.5))
    some = torch.rand(share.shape, generator=generator, device=latents.device) < 0.5
    return torch.where(some, mixed, latents)


def make_loss(latents, teacher, settings):
    """The loss of one random batch: the decoder's distance from the teacher's picture, the encoder's from its latents."""

    def loss(module, generator, step):
        chosen = torch.randint(len(latents), (settings["batch"],), generator=generator, device=device())
        wanted = halfway(latents[chosen].float(), generator).contiguous(memory_format=torch.channels_last)
        with bfloat16():
            with torch.no_grad():
                picture = teacher(wanted)
            output, guess = module.decode(wanted).float(), module.encode(picture).float()
        return distance(output, picture) + settings["encoder_share"] * (guess - wanted).square().mean()

    return loss


@torch.no_grad()
def measure(module, latents, teacher):
    """PSNR in dB of the decoder against the teacher's pictures, and the encoder's error in standard deviations."""
    errors, misses = [], []
    for part in latents.float().split(32):
        picture = teacher(part)
        errors.append(((module.decode(part).clamp(-1, 1) - picture) / 2).square().mean(dim=(1, 2, 3)))
        misses.append((module.encode(picture) - part).square().mean())
    return -10 * torch.cat(errors).log10().mean().item(), torch.stack(misses).mean().sqrt().item()


def write_tiny(folder, module, config):
    """The folder of an AutoencoderTiny, in float16."""
    facts = {"_class_name": "AutoencoderTiny", "_diffusers_version": "0.32.2", "force_upcast": False}
    write_json(folder / "config.json", {**facts, **config})
    write_safetensors(folder / "diffusion_pytorch_model.safetensors", module.state_dict())


def main():
    config, options = arguments(__doc__, out="vae_tiny")
    torch.manual_seed(config["seed"])
    model, settings = config["tiny_decoder"]["model"], config["tiny_decoder"]["training"]
    autoencoder, factor = load_autoencoder(config, options.run)
    views = cached_views(config, options.run)["latents"].to(device())
    # the last tenth of the emoji is kept for measuring
    kept = len(views) // 10
    known, unknown = views[:-kept].flatten(0, 1), views[-kept:, 0]

    def teacher(latents):
        return autoencoder.decode(latents / factor).float().clamp(-1, 1)

    def snapshot(training):
        psnr, miss = measure(training.average, unknown, teacher)
        print(f"step {training.step}: {psnr:.2f} dB, encoder off by {miss:.3f}", flush=True)
        write_tiny(Path(options.out), training.average, model)

    module = TinyAutoencoder(model).to(device(), memory_format=torch.channels_last)
    loss = make_loss(known, teacher, settings)
    train(module, loss, settings, options.run, "tiny_decoder", options.minutes, config["seed"], snapshot)


if __name__ == "__main__":
    main()
