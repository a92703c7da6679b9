// How fast networks of full size are, beside the graphs that exporters write, beside what the machine could do, and beside
// other programs. Writes its own checkpoint of random weights.
// usage: npm run benchmark:speed -- [--model sd15|sd21|sdxl] [--size 256] [--rounds 5] [--json FILE] [--plot FILE.svg] [--compare "name=command"]… (--help tells all)
import { writeFile } from "node:fs/promises";
import { measureSpeed } from "./measure-speed.js";
import { randomCheckpoint } from "./random-checkpoint.js";
import { speedOptions } from "./speed-options.js";
import { plotOf, reportOf, tableOf } from "./speed-report.js";

const options = speedOptions(process.argv.slice(2));
if ("help" in options) {
  console.log(options.help);
  process.exit(0);
}
await randomCheckpoint(options.model, options.folder, options.stored);
const report = reportOf(options, await measureSpeed(options, (text) => console.error(text)));
console.log(tableOf(report));
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
if (options.plot !== undefined) await writeFile(options.plot, await plotOf(report));
