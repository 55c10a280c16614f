// Eight values that the first lanes of a subgroup loaded, handed to every lane. Needs `const LANES`, the subgroup size.
// Lane l loads value l; with subgroups of 4, it loads value 4 + l as well.
fn spread_low(first: f32) -> vec4f {
  return vec4f(
    subgroupBroadcast(first, 0u),
    subgroupBroadcast(first, 1u),
    subgroupBroadcast(first, 2u),
    subgroupBroadcast(first, 3u),
  );
}

fn spread_high(first: f32, second: f32) -> vec4f {
  if (LANES < 8u) {
    return spread_low(second);
  }
  return vec4f(
    subgroupBroadcast(first, 4u),
    subgroupBroadcast(first, 5u),
    subgroupBroadcast(first, 6u),
    subgroupBroadcast(first, 7u),
  );
}
