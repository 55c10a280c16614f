import { expect, test } from "bun:test";
import { LossScale } from "../../src/train/loss-scale.ts";
import golden from "../golden/numeric/grad_scaler.json";

test("the loss scale follows torch.amp.GradScaler through a pattern of infinities", () => {
  const scale = new LossScale(true, { growthInterval: 3 });
  for (const step of golden.growth_interval_3) {
    scale.update(!step.inf);
    expect(scale.state).toEqual({ scale: step.scale, growthTracker: step.growth_tracker });
  }
});

test("it grows after 2000 good steps", () => {
  const scale = new LossScale(true);
  const seen = Array.from({ length: 4100 }, () => {
    scale.update(true);
    return { scale: scale.state.scale, growth_tracker: scale.state.growthTracker };
  });
  const wanted = golden.growth_interval_2000_last_of_4100_good_steps.map(({ scale, growth_tracker }) => ({
    scale,
    growth_tracker,
  }));
  expect([...seen.slice(1998, 2001), ...seen.slice(3998, 4001)]).toEqual(wanted);
});

test("a restored scale goes on where it was, and a static one stays 1", () => {
  const scale = new LossScale(true);
  scale.restore({ scale: 1024, growthTracker: 1999 });
  scale.update(true);
  expect(scale.scale).toBe(2048);
  const fixed = new LossScale(false);
  fixed.update(false);
  expect(fixed.scale).toBe(1);
});
