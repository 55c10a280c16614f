// What `--terminals` may say.

import { describe, expect, test } from "bun:test";
import { commandNames } from "../../src/base/command-names.ts";
import {
  endingOf,
  parseTerminals,
  plainTerminals,
  recordedTerminals,
} from "../../src/base/terminal-words.ts";

describe("--terminals", () => {
  test("names one ending or both, as pairs or as a map", () => {
    expect(parseTerminals("exit=leave,panic=stuck")).toEqual({ exit: "leave", panic: "stuck" });
    expect(parseTerminals(" panic = stuck ")).toEqual({ exit: "exit", panic: "stuck" });
    expect(parseTerminals('{"exit": "leave"}')).toEqual({ exit: "leave", panic: "panic" });
    for (const nothing of [undefined, "", "exit=exit,panic=panic"])
      expect(parseTerminals(nothing)).toEqual(plainTerminals);
  });

  for (const [text, why] of [
    ["leave", /expected exit=WORD,panic=WORD/],
    ["exit=a=b", /expected exit=WORD,panic=WORD/],
    ["quit=leave", /expected exit=WORD or panic=WORD, got "quit"/],
    ["exit=leave,exit=go_on", /expected exit once/],
    ["exit=leave,panic=leave", /two different words/],
    ["exit=panic", /than the other ending's/],
    ["panic=exit", /than the other ending's/],
    ["exit=", /a command word/],
    ["exit=Leave", /a command word/],
    ["exit=go on", /a command word/],
    ["exit=x", /a command word/],
    ["exit=$(id)", /a command word/],
    ["exit=a;b", /a command word/],
    ["exit=a-b", /a command word/],
    ["exit=ls", /no shell or program has, got ls/],
    ["exit=logout", /no shell or program has/],
    ["exit=done", /no shell or program has/],
    ["exit=return", /no shell or program has/],
    ["panic=kill", /no shell or program has/],
    ['{"exit": 1}', /expected exit=WORD,panic=WORD/],
    ["{", /expected exit=WORD,panic=WORD/],
  ] as const)
    test(`refuses ${text}`, () => {
      expect(() => parseTerminals(text)).toThrow(why);
    });

  test("never takes a name that a world's shell would know", () => {
    for (const name of commandNames)
      if (name !== "exit") expect(() => parseTerminals(`exit=${name}`)).toThrow(/--terminals/);
  });

  test("an ending is the word alone, and plain words leave no mark in a record", () => {
    const words = { exit: "leave", panic: "stuck" };
    expect([" leave\n", "stuck", "exit", "leave 0", "x"].map((text) => endingOf(text, words))).toEqual([
      "exit",
      "panic",
      undefined,
      undefined,
      undefined,
    ]);
    expect(recordedTerminals(plainTerminals)).toEqual({});
    expect(recordedTerminals(words)).toEqual({ terminals: words });
  });
});
