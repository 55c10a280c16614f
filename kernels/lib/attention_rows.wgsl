// How rows of queries lie in memory: all heads of a group side by side. Needs `p.tokens`, `p.heads`, `p.head_dim`.
// First element of row r of a kv head: query r / share, head kv_head * share + r % share.
fn row_start(row: u32, share: u32, kv_head: u32) -> u32 {
  return (row / share * p.heads + kv_head * share + row % share) * p.head_dim;
}

// Where lse and delta keep that row.
fn row_scalar(row: u32, share: u32, kv_head: u32) -> u32 {
  return (kv_head * share + row % share) * p.tokens + row / share;
}
