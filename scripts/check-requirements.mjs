// Says in a sentence what would otherwise end in a stack trace. Written for old versions of Node too.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`latentkit's tools need Node 20.19 or newer; this is Node ${process.versions.node}.`);
  process.exit(1);
}
