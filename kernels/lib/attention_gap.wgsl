// Which keys a query sees, and which queries a key is seen by: an interval that ends (or starts) at itself, less a gap within it.
// `gap` is its first and the one after its last; equal for none.
fn sees(at: u32, first: u32, last: u32, gap: vec2u) -> bool {
  return at >= first && at <= last && (at < gap.x || at >= gap.y);
}

fn sees4(at: vec4u, first: u32, last: u32, gap: vec2u) -> vec4<bool> {
  return (at >= vec4u(first)) & (at <= vec4u(last)) & ((at < vec4u(gap.x)) | (at >= vec4u(gap.y)));
}

// What the gaps of a tile's first and last row share, the rows between them lack too.
fn shared_gap(first: vec2u, last: vec2u) -> vec2u {
  return vec2u(max(first.x, last.x), min(first.y, last.y));
}

// Where a loop goes on that would enter a gap.
fn past_gap(at: u32, gap: vec2u) -> u32 {
  return select(at, gap.y, at >= gap.x && at < gap.y);
}
