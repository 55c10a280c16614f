// The two products of a flash attention tile, for 128 threads as 8 x 16: thread (y, x) keeps rows 4 y .. 4 y + 3 and, of the
// 64 columns, x, x + 16, x + 32, x + 48. Needs `const DC`: thread (y, x) keeps columns x, x + 16, .. of the head, DC of them.
// Workgroup memory: 16.0 KB at most with what the kernels add, for any head width, so that 16 KiB suffice.
const LEFT_STRIDE: u32 = 33u;
const RIGHT_STRIDE: u32 = 65u;
const CHUNK: u32 = 16u; // elements of the head that a step of the first product takes
const RIGHT: u32 = CHUNK * LEFT_STRIDE;
// Rows of the second product's right operand that are staged at once: CHUNK_ROWS * 16 * DC <= 1024.
const CHUNK_ROWS: u32 = select(select(select(4u, 8u, DC <= 8u), 16u, DC <= 4u), 32u, DC <= 2u);

// First product: left [CHUNK][32 rows] and, from RIGHT on, right [CHUNK][64 columns]. Second product: [CHUNK_ROWS][16 DC].
var<workgroup> staged: array<f32, CHUNK * (LEFT_STRIDE + RIGHT_STRIDE)>;
// The 32 x 64 tile between the two products.
var<workgroup> weights: array<f32, 32u * RIGHT_STRIDE>;
// Where the 32 rows on the left and the 64 on the right start in memory.
var<workgroup> left_start: array<u32, 32>;
var<workgroup> right_start: array<u32, 64>;

// Written `var tile = Tile();` within a loop: Dawn (npm webgpu 0.6.2) does not clear a bare `var tile: Tile;` again in each turn.
alias Tile = array<f32, 16>;
alias Rows = array<f32, 4u * DC>;

// tile[i][j] += sum over `count` staged elements of left[4 y + i] * right[x + 16 j]
fn multiply_chunk(tile: ptr<function, Tile>, count: u32, y: u32, x: u32) {
  for (var d = 0u; d < count; d++) {
    var right: array<f32, 4>;
    for (var j = 0u; j < 4u; j++) {
      right[j] = staged[RIGHT + d * RIGHT_STRIDE + x + 16u * j];
    }
    for (var i = 0u; i < 4u; i++) {
      let left = staged[d * LEFT_STRIDE + 4u * y + i];
      for (var j = 0u; j < 4u; j++) {
        (*tile)[4u * i + j] = fma(left, right[j], (*tile)[4u * i + j]);
      }
    }
  }
}

// weights = tile
fn put_tile(tile: ptr<function, Tile>, y: u32, x: u32) {
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      weights[(4u * y + i) * RIGHT_STRIDE + x + 16u * j] = (*tile)[4u * i + j];
    }
  }
}

// rows[i][c] += sum over `count` staged rows of weights[4 y + i][first + row] * staged[row][x + 16 c]
fn accumulate_chunk(rows: ptr<function, Rows>, first: u32, count: u32, y: u32, x: u32) {
  for (var row = 0u; row < count; row++) {
    var left: array<f32, 4>;
    for (var i = 0u; i < 4u; i++) {
      left[i] = weights[(4u * y + i) * RIGHT_STRIDE + first + row];
    }
    for (var c = 0u; c < DC; c++) {
      let right = staged[(row * DC + c) * 16u + x];
      for (var i = 0u; i < 4u; i++) {
        (*rows)[i * DC + c] = fma(left[i], right, (*rows)[i * DC + c]);
      }
    }
  }
}
