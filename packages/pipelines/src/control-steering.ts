import { concat, contiguous, slice, type Tensor, tensor, zeros } from "@latentkit/core";
import { addResiduals, type ControlResiduals } from "@latentkit/models";
import type { Control } from "./control-request.js";
import { fitRows } from "./guided.js";
import { release } from "./release.js";
import type { Steering, UNetCall } from "./steering.js";

/**
 * What ControlNets add to a UNet's states, each in its share of the steps (Zhang et al. 2023, eq. 2).
 *
 * @param images pictures that the run makes.
 */
export function controlSteering(controls: readonly Control[], images: number): Steering {
  return {
    async residuals(call) {
      const { index, total } = call;
      const active = controls.filter(({ start, end }) => index / total >= start && (index + 1) / total <= end);
      const sets: ControlResiduals[] = [];
      for (const control of active) sets.push(await residualsOf(control, call, images));
      return sets.length === 0 ? undefined : addResiduals(sets);
    },
    release: () => release(...controls.map(({ network }) => network)),
  };
}

async function residualsOf(control: Control, call: UNetCall, images: number): Promise<ControlResiduals> {
  const { network, scale, guessMode } = control;
  const { sample, timestep, context, conditions } = call;
  const [rows = 0, , height = 0, width = 0] = sample.shape;
  // the prompts come last
  const told = guessMode ? Math.min(images, rows) : rows;
  const size = { height: height * network.scaleFactor, width: width * network.scaleFactor };
  const pictures = await control.images.at(size);
  const residuals = await network.predict(
    fitRows(firstChannels(sample, network.config.inChannels), told),
    timestep,
    fitRows(contiguous(context), told),
    pictures.shape[0] === 1 ? pictures : fitRows(pictures, told),
    { scale, guessMode, ...conditionsOf(control, conditions, told) },
  );
  return afterZeros(residuals, rows - told);
}

/** What networks of SDXL are told beside the text. */
function conditionsOf({ network }: Control, { textEmbeds, timeIds }: UNetCall["conditions"], rows: number) {
  if (!network.config.textTime) return {};
  return {
    ...(textEmbeds && { textEmbeds: fitRows(textEmbeds, rows) }),
    ...(timeIds && { timeIds: fitRows(timeIds, rows) }),
  };
}

/** The latents alone, where a UNet for inpainting sees more beside them. `[B, C, H, W]` → `[B, count, H, W]` */
function firstChannels(sample: Tensor, count: number): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = sample.shape;
  if (channels === count) return sample;
  const planes = tensor(sample.data, [batch * channels, height, width]);
  const kept = Array.from({ length: batch }, (_, i) => slice(planes, i * channels, i * channels + count));
  return tensor(concat(kept).data, [batch, count, height, width]);
}

/** Nothing for the first items, which are what to steer away from. */
function afterZeros({ downResiduals, midResidual }: ControlResiduals, items: number): ControlResiduals {
  if (items === 0) return { downResiduals, midResidual };
  const padded = (value: Tensor) => concat([zeros([items, ...value.shape.slice(1)]), value]);
  return { downResiduals: downResiduals.map(padded), midResidual: padded(midResidual) };
}
