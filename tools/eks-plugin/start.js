// Starts the pulumi-eks plugin. Most of the second that Node.js needs is compiling, so the compiled code is kept.
const { enableCompileCache } = require("node:module");
const path = require("node:path");

const compiled = path.join(__dirname, "compiled");
if (enableCompileCache) {
  enableCompileCache(compiled);
} else {
  // Node.js before 22.
  process.env.V8_COMPILE_CACHE_CACHE_DIR = compiled;
  require("v8-compile-cache");
}

// An engine that starts the plugin passes its own address. Without one, the plugin was started for an engine to attach
// to, by a process that keeps this input open for as long as it lives.
if (process.argv.length === 2) {
  process.stdin.on("end", () => process.exit()).resume();
}

require("@pulumi/eks/cmd/provider");
