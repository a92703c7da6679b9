"""Draws pictures from the networks, to look at while they train."""

import math

import torch
from PIL import Image, ImageDraw

from trainer import bfloat16, device, write_atomically

PROMPTS = """
red apple; rocket; cat face; pizza; tropical fish; red heart; blue heart; evergreen tree
house; rocket on a teal background; red apple on a yellow background; grinning face; slice of pizza on a black background; dog face; sun; snowman
hamburger; guitar; octopus; butterfly; banana; automobile; airplane; strawberry
octopus on a teal background; panda; fox; lion; frog on a pink background; penguin; bee; elephant
cherries; watermelon; doughnut; ice cream; hot beverage on an orange background; birthday cake; beer mug; avocado
bicycle; sailboat; train; volcano; rainbow; snowflake on a blue background; cactus; rose
soccer ball; trophy; wrapped gift on a green background; umbrella; key; light bulb; crown; glasses
robot; ghost; alien; skull; jack-o-lantern on a purple background; astronaut; thumbs up; fire on a black background
""".replace("\n", ";").split(";")
PROMPTS = [prompt.strip() for prompt in PROMPTS if prompt.strip()]


def alpha_bars():
    """ᾱ of Stable Diffusion's thousand levels: β linear in its square root from 0.00085 to 0.012."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
    return (1 - betas).cumprod(0).float()


def karras_sigmas(steps, lowest, highest, rho=7):
    """Noise levels from highest to lowest, then 0 (Karras et al. 2022, eq. 5)."""
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    sigmas = (highest ** (1 / rho) + ramp * (lowest ** (1 / rho) - highest ** (1 / rho))) ** rho
    return [*sigmas.tolist(), 0.0]


def timestep(sigma, sigmas):
    """The fractional timestep of a noise level, linear in its logarithm."""
    logs = sigmas.log()
    above = int((logs < math.log(sigma)).sum().clamp(1, len(logs) - 1))
    low, high = logs[above - 1].item(), logs[above].item()
    return above - 1 + min(1.0, max(0.0, (math.log(sigma) - low) / (high - low)))


def guided_noise(module, x, t, context, guidance):
    """ε = ε_∅ + s (ε_c − ε_∅); the context holds the empty prompts first."""
    times = torch.full((2 * len(x),), t, device=x.device)
    with bfloat16():
        empty, asked = module["unet"](torch.cat([x, x]), times, context).float().chunk(2)
    return empty + guidance * (asked - empty)


@torch.no_grad()
def sample(module, tokenizer, prompts, shape, seed=0, steps=20, guidance=4.0):
    """Latents for prompts by DPM-Solver++ 2M over Karras' noise levels (Lu et al. 2022, Algorithm 2)."""
    context = module["text_encoder"](tokenizer.encode([""] * len(prompts) + prompts).to(device()))
    bars = alpha_bars()
    table = ((1 - bars) / bars).sqrt()
    sigmas = karras_sigmas(steps, table[0].item(), table[-1].item())
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((len(prompts), *shape), generator=generator).to(device()) * sigmas[0]
    before, last = None, 0.0
    for now, after in zip(sigmas, sigmas[1:]):
        noise = guided_noise(module, x / math.sqrt(1 + now**2), timestep(now, table), context, guidance)
        clean = x - now * noise
        if after == 0:
            return clean
        h = math.log(now / after)
        mixed = clean if before is None else clean + (clean - before) * (h / (2 * last))
        x = (after / now) * x - math.expm1(-h) * mixed
        before, last = clean, h


@torch.no_grad()
def pictures(module, autoencoder, factor, tokenizer, prompts, shape, **options):
    """Pictures [B, H, W, 3] (uint8) for prompts."""
    images = []
    for start in range(0, len(prompts), 32):
        latents = sample(module, tokenizer, prompts[start : start + 32], shape, seed=start, **options)
        images.append(autoencoder.decode(latents / factor).float().cpu())
    return ((torch.cat(images).clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1)


def sheet(images, titles, columns=8, zoom=2):
    """A contact sheet with a title under each picture."""
    cell = images.shape[1] * zoom
    rows = -(-len(images) // columns)
    page = Image.new("RGB", (columns * (cell + 4), rows * (cell + 16)), "white")
    pen = ImageDraw.Draw(page)
    for i, (image, title) in enumerate(zip(images, titles)):
        x, y = i % columns * (cell + 4), i // columns * (cell + 16)
        page.paste(Image.fromarray(image.numpy()).resize((cell, cell), Image.BICUBIC), (x, y))
        pen.text((x + 2, y + cell + 2), title.replace(" background", "")[: cell // 6], fill="black")
    return page


def draw_sheet(path, module, autoencoder, factor, tokenizer, shape=(4, 16, 16)):
    """Writes the contact sheet of the fixed prompts."""
    images = pictures(module, autoencoder, factor, tokenizer, PROMPTS, shape)
    page = sheet(images, PROMPTS, zoom=max(1, 128 // images.shape[1]))
    write_atomically(path, lambda temporary: page.save(temporary, format="PNG"))
