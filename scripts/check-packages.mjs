// Checks the built packages as users get them: packs each, lints manifests and types, and draws with the copies.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const packages = readdirSync(join(root, "packages")).map((name) => {
  const folder = join(root, "packages", name);
  return { folder, manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) };
});
const work = mkdtempSync(join(tmpdir(), "latentkit packages #1-")); // a path that has to be escaped in URLs
let failures = 0;

try {
  for (const { folder, manifest } of packages) {
    const tarball = pack(folder);
    check(`${manifest.name}: publint`, "publint", "--strict", tarball);
    check(`${manifest.name}: types`, "attw", tarball, "--format", "ascii", "--no-color", "--no-emoji");
    install(tarball, manifest, folder);
  }
  for (const program of ["draw.mjs", "draw.cjs"]) draw(program);
  checkCommand();
  checkBundles();
} finally {
  rmSync(work, { recursive: true });
}
console.log(failures === 0 ? "packages: all checks passed" : `packages: ${failures} checks failed`);
process.exitCode = failures === 0 ? 0 : 1;

function pack(folder) {
  const output = execFileSync("npm", ["pack", "--json", "--pack-destination", work], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return join(work, JSON.parse(output)[0].filename);
}

function check(title, tool, ...parameters) {
  const { status, stdout, stderr } = spawnSync(join(root, "node_modules/.bin", tool), parameters, { encoding: "utf8" });
  report(title, status === 0, stdout + stderr);
}

function report(title, passed, output) {
  console.log(`${passed ? "ok    " : "FAILED"} ${title}`);
  if (passed) return;
  failures++;
  console.log(output);
}

/** Unpacks a package where programs in the working folder find it, and what it depends on beside it. */
function install(tarball, { name, dependencies = {}, peerDependencies = {} }, folder) {
  const target = join(work, "node_modules", name);
  mkdirSync(target, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
  for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) link(dependency, folder);
}

function link(dependency, folder) {
  const target = join(work, "node_modules", dependency);
  if (packages.some(({ manifest }) => manifest.name === dependency) || existsSync(target)) return;
  const nested = join(folder, "node_modules", dependency);
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(existsSync(nested) ? nested : join(root, "node_modules", dependency), target);
}

function draw(program) {
  cpSync(join(root, "scripts/check-packages", program), join(work, program));
  const model = join(root, "fixtures/pipelines/tiny-sd");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, model], { cwd: work, encoding: "utf8" });
  report(
    `${program} draws`,
    status === 0 && stderr === "" && stdout === "64x48\n",
    `exit ${status}\n${stdout}${stderr}`,
  );
}

/** The command, with the embedded model. */
function checkCommand() {
  const { manifest } = packages.find((candidate) => candidate.manifest.bin);
  const program = join(work, "node_modules", manifest.name, manifest.bin.latentkit);
  const parameters = [program, "a red apple", "--steps", "2", "-o", "apple.png"];
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, { cwd: work, encoding: "utf8" });
  const drawn = status === 0 && existsSync(join(work, "apple.png"));
  report(`${manifest.name} draws`, drawn, `exit ${status}\n${stdout}${stderr}`);
}

/** A page, by bundlers without configuration. */
function checkBundles() {
  const program = join(root, "scripts/check-packages/bundle.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", program, work], {
    cwd: root,
    encoding: "utf8",
  });
  report(
    "a page is bundled by Vite, webpack and esbuild",
    status === 0 && stderr === "",
    `exit ${status}\n${stdout}${stderr}`,
  );
}
