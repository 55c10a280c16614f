// The part of a product that is meant: all p.m rows of a and out, and all p.k steps; or, with SEGMENTED 1 the rows, with 2 the steps,
// of segment p.segment, whose first one and number only the device knows; p.m or p.k is then the most that there can be. Needs
// SEGMENTED, segments, p.m, p.k and p.segment.
fn segment_rows() -> vec2u {
  if (SEGMENTED == 1u) {
    return segments[p.segment];
  }
  return vec2u(0u, p.m);
}

fn segment_steps() -> vec2u {
  if (SEGMENTED == 2u) {
    return segments[p.segment];
  }
  return vec2u(0u, p.k);
}
