// Runs a candidate and then its tests in one realm. The nonce lives in a closure, which nothing in JavaScript can look into, and is
// written only when the tests have come to their end and what they stand on is still what it was.
"use strict";
(() => {
  const fs = require("node:fs");
  const vm = require("node:vm");
  const assert = require("node:assert");
  const order = JSON.parse(fs.readFileSync(0, "utf8"));
  const { nonce } = order;
  try {
    const { dlopen } = require("bun:ffi");
    const args = ["int", "u64", "u64", "u64", "u64"];
    dlopen("libc.so.6", { prctl: { args, returns: "int" } }).symbols.prctl(4, 0, 0, 0, 0);
  } catch {}
  const { writeSync } = fs;
  const { stringify } = JSON;
  const { reallyExit } = process;
  const describe = Object.getOwnPropertyDescriptor;
  const namesOf = Reflect.ownKeys;
  const { is, freeze } = Object;
  const isArray = Array.isArray;
  const finish = (reason, text) => {
    writeSync(1, `\n${nonce} ${stringify([reason, `${text ?? ""}`])}\n`);
    reallyExit.call(process, 0);
  };
  const AssertionError = assert.AssertionError;
  for (const part of [assert, assert.strict]) freeze(part);

  // What tests stand on, and what it was before the candidate came.
  const roots = "Object Function Array String Number Boolean Symbol BigInt Math JSON Reflect Promise Map Set WeakMap WeakSet RegExp Date Error TypeError RangeError SyntaxError Proxy ArrayBuffer Uint8Array Float64Array parseInt parseFloat isNaN isFinite structuredClone console process".split(" ");
  const before = [];
  const keep = (holder, path) => {
    const keys = namesOf(holder);
    for (let i = 0; i < keys.length; i++) {
      const found = describe(holder, keys[i]);
      if (found.configurable || found.writable) before[before.length] = [holder, keys[i], found.value, found.get, `${path}.${String(keys[i])}`];
    }
  };
  for (const name of roots) {
    const value = globalThis[name];
    before[before.length] = [globalThis, name, value, undefined, name];
    if (name === "process" || name === "console") continue;
    keep(value, name);
    if (value.prototype) keep(value.prototype, `${name}.prototype`);
  }
  keep(Object.getPrototypeOf([][Symbol.iterator]()), "%ArrayIteratorPrototype%");
  const changed = () => {
    for (let i = 0; i < before.length; i++) {
      const [holder, key, value, get, path] = before[i];
      const now = describe(holder, key);
      if (now === undefined || !is(now.value, value) || !is(now.get, get)) return path;
    }
    return undefined;
  };

  const load = require("node:module").createRequire("/work/main.js");
  const forbidden = /^(bun:|node:)?(ffi|jsc|inspector|internal.*|vm|v8|worker_threads|child_process|cluster)$/;
  const module = { exports: {} };
  const own = /^\.{0,2}\/?(candidate|solution|main|index)(\.[cm]?[jt]s)?$/;
  let judging = false;
  const requireFor = (name) => {
    if (own.test(name)) return module.exports;
    if (!judging && forbidden.test(name)) throw new Error(`no module ${name} here`);
    return load(name);
  };
  Object.assign(globalThis, { require: requireFor, module, exports: module.exports });
  globalThis.assert ??= assert;
  process.on("uncaughtException", (error) => finish("error", `${error?.name}: ${error?.message}`));
  process.on("unhandledRejection", (error) => finish("error", `${error?.name}: ${error?.message}`));

  const tell = (error, stage) => {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    finish(stage === "tests" && error instanceof AssertionError ? "failed" : "error", stage === "tests" ? text : `the candidate raised ${text}`);
  };
  try {
    vm.runInThisContext(order.candidate, { filename: "candidate.js" });
  } catch (error) {
    tell(error, "candidate");
  }
  const exported = module.exports;
  for (const key of exported && typeof exported === "object" ? namesOf(exported) : [])
    if (typeof key === "string" && key !== "default" && !(key in globalThis)) {
      let known = false;
      try {
        known = vm.runInThisContext(`typeof ${key} !== "undefined"`);
      } catch {}
      if (!known) globalThis[key] = exported[key];
    }
  judging = true;
  const patched = changed();
  if (patched) finish("failed", `the candidate changed ${patched}`);
  let ending;
  try {
    ending = vm.runInThisContext(`(async () => {${order.tests}\n})()`, { filename: "tests.js" });
  } catch (error) {
    tell(error, "tests");
  }
  const then = Promise.prototype.then;
  then.call(
    ending,
    () => {
      const late = changed();
      if (late) finish("failed", `the candidate changed ${late}`);
      finish("passed");
    },
    (error) => tell(error, "tests"),
  );
})();
