// Where a product's rows lie in a and out: all p.m from the first on, or, with SEGMENTED, those of segment p.segment, whose first row
// and number only the device knows; p.m is then the most that there can be. Needs SEGMENTED, segments, p.m and p.segment.
fn segment_rows() -> vec2u {
  if (SEGMENTED == 1u) {
    return segments[p.segment];
  }
  return vec2u(0u, p.m);
}
