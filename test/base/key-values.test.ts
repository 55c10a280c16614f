import { expect, test } from "bun:test";
import { parseNumberPairs, parsePairs } from "../../src/base/key-values.ts";

test("pairs and JSON say the same", () => {
  const wanted = { "layers.0.q_proj": 8, v_proj: 4 };
  expect(parsePairs("rank-pattern", "layers.0.q_proj=8, v_proj=4")).toEqual(wanted);
  expect(parsePairs("rank-pattern", '{"layers.0.q_proj": 8, "v_proj": 4}')).toEqual(wanted);
  expect(parsePairs("lr-scheduler-kwargs", "decay_type=1-sqrt,min_lr_ratio=1e-1")).toEqual({
    decay_type: "1-sqrt",
    min_lr_ratio: 0.1,
  });
  expect(parsePairs("rank-pattern", undefined)).toEqual({});
});

test("what is neither is refused with the flag's name", () => {
  for (const text of ["q_proj", "=3", "q_proj=", '{"a": [1]}', "{", "[1]"])
    expect(() => parsePairs("rank-pattern", text)).toThrow("--rank-pattern: expected");
  expect(() => parseNumberPairs("alpha-pattern", "q_proj=big")).toThrow(
    '--alpha-pattern: expected a number for q_proj, got "big"',
  );
});
