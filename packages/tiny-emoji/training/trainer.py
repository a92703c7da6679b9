"""What the stages share: command line, precision, and one resumable training loop."""

import argparse
import copy
import json
import os
import signal
import time
from pathlib import Path

import torch


def arguments(description, **extra):
    """The config and the options: config file, --run, --minutes, --threads, and the extra ones with their defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--run", type=Path, default=Path("run"), help="folder of everything the stages write")
    parser.add_argument("--minutes", type=float, help="training time of this stage in all; default: the config's")
    parser.add_argument("--threads", type=int, help="CPU threads")
    for name, default in extra.items():
        parser.add_argument(f"--{name}", default=default)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    return json.loads(options.config.read_text()), options


def device():
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def bfloat16():
    """Mixed precision: matrix products and convolutions in bfloat16, the rest in float32."""
    return torch.autocast(device().type, dtype=torch.bfloat16)


def write_atomically(path, write):
    """Calls `write` with a path beside `path`, then puts the result in its place."""
    temporary = path.with_name(path.name + ".tmp")
    write(temporary)
    os.replace(temporary, path)


class Interrupt:
    """True once the process has been asked to end."""

    def __init__(self):
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "asked", True))

    def __bool__(self):
        return self.asked


class Training:
    """A module, the moving average of its weights, its optimizer, and where the run stands."""

    def __init__(self, module, settings, path):
        self.module, self.settings, self.path = module, settings, path
        self.average = copy.deepcopy(module).requires_grad_(False)
        self.step, self.seconds = 0, 0.0
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        kind = {"fused": True} if device().type == "cuda" else {"foreach": True}
        self.optimizer = torch.optim.AdamW(
            self.parameters, settings["rate"], betas=(0.9, 0.99), weight_decay=settings["decay"], **kind
        )
        if path.exists():
            self.restore()

    def restore(self):
        """Continues from the checkpoint."""
        state = torch.load(self.path, map_location=device())
        self.module.load_state_dict(state["module"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        print(f"continues at step {self.step}, {self.seconds / 60:.1f} minutes", flush=True)

    def save(self):
        """Writes the checkpoint; steps draw from seeds of their own number, so the step is the state of chance."""
        state = {
            "module": self.module.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        write_atomically(self.path, lambda path: torch.save(state, path))

    def progress(self, minutes):
        """The share of the run that is done, by steps or by the clock, whichever is further."""
        by_clock = self.seconds / (60 * minutes) if minutes else 0.0
        return max(self.step / self.settings["steps"], by_clock)

    def set_rate(self, progress):
        """Linear warm-up, then linear decay to zero at the end of the run."""
        rate = self.settings["rate"] * min(1.0, (self.step + 1) / self.settings["warmup"]) * max(0.0, 1.0 - progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def update(self, loss):
        """One step of the optimizer and of the moving average."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.step += 1
        self.follow()

    @torch.no_grad()
    def follow(self, every=4):
        """Moves the average towards the weights, every few steps; early on it follows closely."""
        if self.step % every == 0:
            decay = min(self.settings["ema"], self.step / (self.step + 10)) ** every
            for mean, weight in zip(self.average.parameters(), self.module.parameters()):
                mean.lerp_(weight, 1 - decay)


def train(module, loss, settings, run, name, minutes=None, seed=0, snapshot=lambda training: None):
    """Minimises `loss(module, generator, step)` until the steps or the minutes are used; returns the averaged module.

    Continues from `run/name.pt`, which is written every `save_minutes`; `snapshot` is called every
    `snapshot_minutes` and at the end.
    """
    training, stop = Training(module, settings, run / f"{name}.pt"), Interrupt()
    minutes = minutes or settings.get("minutes")
    generator = torch.Generator(device())
    start, shown, saved = time.monotonic(), [], training.seconds
    shot, before = training.seconds, training.seconds
    while (progress := training.progress(minutes)) < 1.0:
        training.set_rate(progress)
        generator.manual_seed((seed << 32) + training.step)
        value = loss(training.module, generator, training.step)
        training.update(value)
        shown.append(value.detach())
        training.seconds = before + time.monotonic() - start
        if training.step % 100 == 0:
            mean = torch.stack(shown).mean().item()
            shown.clear()
            print(f"{name} step {training.step} loss {mean:.4f} minutes {training.seconds / 60:.1f}", flush=True)
        if stop or training.seconds - saved > 60 * settings["save_minutes"]:
            training.save()
            saved = training.seconds
        if stop:
            raise SystemExit("interrupted; the checkpoint is written")
        if training.seconds - shot > 60 * settings["snapshot_minutes"]:
            snapshot(training)
            shot = training.seconds
    training.save()
    snapshot(training)
    return training.average
