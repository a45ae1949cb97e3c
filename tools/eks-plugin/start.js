// Starts the pulumi-eks plugin in half the time that it takes by itself.
const Module = require("node:module");
const path = require("node:path");

// Node.js keeps compiled code from version 22.
Module.enableCompileCache?.(path.join(__dirname, "compiled"));

// The SDK loads these to serialize functions, which this plugin never does. They are loaded when they are first used.
// __esModule makes the SDK's import helper pass a module on as it is.
const seldomUsed = /^@npmcli\/arborist$|\/typescript-shim$/;
// The SDK takes a stack trace for each value of each resource. Source maps would turn all of them into lines of
// TypeScript, which nobody reads; those of errors name lines of JavaScript instead.
const sourceMaps = "source-map-support";

const load = Module._load;
Module._load = function (request, ...rest) {
  if (request === sourceMaps) {
    return { install() {} };
  }
  if (seldomUsed.test(request)) {
    const property = (key) => load.call(this, request, ...rest)[key];
    return new Proxy({}, { get: (_, key) => key === "__esModule" || property(key) });
  }
  return load.call(this, request, ...rest);
};

// An engine that starts the plugin passes its own address. Without one, the plugin was started for an engine to attach
// to, by a process that keeps this input open for as long as it lives.
if (process.argv.length === 2) {
  process.stdin.on("end", () => process.exit()).resume();
}

require("@pulumi/eks/cmd/provider");
