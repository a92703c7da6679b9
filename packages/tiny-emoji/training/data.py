"""Stage 1: Fluent Emoji pictures with their captions, and views of them over coloured backgrounds.

    python data.py config_gpu.json --packages node_modules --run run
"""

import json
import random
import re
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from trainer import arguments, device

BACKGROUNDS = {
    "white": (255, 255, 255),
    "red": (220, 50, 47),
    "green": (60, 160, 70),
    "blue": (50, 100, 220),
    "yellow": (250, 215, 70),
    "purple": (130, 70, 180),
    "black": (40, 40, 42),
    "orange": (245, 140, 40),
    "pink": (250, 160, 190),
    "teal": (70, 200, 205),
}


def clean(text):
    """Lower case, no underscores, straight apostrophes, single spaces."""
    text = text.lower().replace("_", " ").replace("’", "'")
    return re.sub(r"\s+", " ", re.sub(r"[“”\"]", "", text)).strip()


def picture_files(packages):
    """Picture paths by hex code, variation selectors left out of the code."""
    folder = Path(packages) / "@lobehub/fluent-emoji-3d/assets"
    return {path.stem.replace("-fe0f", ""): path for path in sorted(folder.glob("*.webp"))}


def read_catalog(packages, settings):
    """One entry for each base emoji that has a picture: label, keywords, rarity of each keyword, sampling weight."""
    packages = Path(packages)
    emoji = json.loads((packages / "emojibase-data/en/data.json").read_text())
    names = json.loads((packages / "emojibase-data/meta/groups.json").read_text())
    keywords = json.loads((packages / "emojilib/dist/emoji-en-US.json").read_text())
    files, weights, catalog = picture_files(packages), settings["group_weights"], []
    for item in sorted((item for item in emoji if "group" in item), key=lambda item: item["order"]):
        group, subgroup = names["groups"][str(item["group"])], names["subgroups"][str(item["subgroup"])]
        path = files.get(item["hexcode"].lower().replace("-fe0f", ""))
        if path is None or {group, subgroup} & set(settings["dropped_groups"]):
            continue
        words = {clean(word) for word in [*item.get("tags", []), *keywords.get(item["emoji"], [])]}
        label = clean(item["label"])
        words = sorted(word for word in words - {label} if re.search("[a-z]{2}", word))
        file = str(path.relative_to(packages))
        weight = weights.get(subgroup, weights.get(group, 1.0))
        catalog.append({"label": label, "keywords": words, "group": group, "weight": weight, "file": file})
    return with_rarity(catalog)


def with_rarity(catalog):
    """Adds to each entry 1 / (number of entries with the keyword) for each of its keywords."""
    counts = {}
    for entry in catalog:
        for word in entry["keywords"]:
            counts[word] = counts.get(word, 0) + 1
    for entry in catalog:
        entry["rarity"] = [1 / counts[word] for word in entry["keywords"]]
    return catalog


def read_picture(path, size):
    """Premultiplied RGBA [4, size, size], uint8; alpha is premultiplied before resizing so that no edge darkens."""
    picture = Image.open(path).convert("RGBA").convert("RGBa").resize((size, size), Image.LANCZOS)
    pixels = np.asarray(picture).transpose(2, 0, 1)
    return np.minimum(pixels, pixels[3:])


def caption(entry, background, chance, keyword_share):
    """A caption of an entry: its label or a keyword, sometimes an article, and the background unless it is white."""
    name = entry["label"]
    if entry["keywords"] and chance.random() < keyword_share:
        name = chance.choices(entry["keywords"], entry["rarity"])[0]
    if chance.random() < 0.25:
        name = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    if background == "white" and chance.random() < 0.85:
        return name
    return f"{name} on {'an' if background == 'orange' else 'a'} {background} background"


def placements(count, settings, generator):
    """Random affine maps [B, 2, 3] for `affine_grid`: mirrored, shrunk a little and shifted, each at its share."""
    uniform = lambda *shape: torch.rand(shape, generator=generator)
    moved = (uniform(count, 1) < settings["moved_share"]).float()
    scale = 1 + moved * settings["scale"] * uniform(count, 1)
    shift = moved * settings["shift"] * (2 * uniform(count, 2) - 1)
    mirror = 1 - 2 * (uniform(count, 1) < settings["mirrored_share"]).float()
    zero = torch.zeros(count, 1)
    across = torch.cat([scale * mirror, zero, shift[:, :1]], dim=1)
    down = torch.cat([zero, scale, shift[:, 1:]], dim=1)
    return torch.stack([across, down], dim=1)


def views(pictures, settings, generator):
    """Views of premultiplied pictures [B, 4, 2S, 2S] (uint8): images [B, 3, S, S] in [-1, 1] and background indices [B]."""
    count, where = len(pictures), pictures.device
    backgrounds = torch.randint(1, len(BACKGROUNDS), (count,), generator=generator)
    backgrounds[torch.rand(count, generator=generator) >= settings["coloured_share"]] = 0
    maps = placements(count, settings, generator).to(where)
    grid = F.affine_grid(maps, tuple(pictures.shape), align_corners=False)
    sampled = F.avg_pool2d(F.grid_sample(pictures.float() / 255, grid, align_corners=False), 2)
    palette = torch.tensor(list(BACKGROUNDS.values()), device=where) / 255
    colours, alpha = sampled[:, :3], sampled[:, 3:]
    behind = palette[backgrounds.to(where)][:, :, None, None]
    return (colours + (1 - alpha) * behind) * 2 - 1, backgrounds


def load(run):
    """The catalog and its premultiplied pictures [N, 4, 2S, 2S]."""
    return json.loads((run / "catalog.json").read_text()), torch.from_numpy(np.load(run / "pictures.npy")).to(device())


def corpus(catalog, count, seed):
    """Captions drawn as training draws them, to make a vocabulary from."""
    chance = random.Random(seed)
    names = list(BACKGROUNDS)
    return [caption(entry, chance.choice(names), chance, 0.5) for entry in catalog for _ in range(count)]


def main():
    config, options = arguments(__doc__, packages="node_modules")
    options.run.mkdir(parents=True, exist_ok=True)
    catalog = read_catalog(options.packages, config["data"])
    size = 2 * config["data"]["size"]
    pictures = np.stack([read_picture(Path(options.packages) / entry["file"], size) for entry in catalog])
    np.save(options.run / "pictures.npy", pictures)
    (options.run / "catalog.json").write_text(json.dumps(catalog, indent=1))
    print(f"{len(catalog)} pictures of {size}×{size}")


if __name__ == "__main__":
    main()
