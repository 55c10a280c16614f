// Rows of a Parquet file, one row group at a time.

import { DataError } from "../base/errors.ts";
import { FileReader } from "../formats/file-reader.ts";

const SHAPES = ["turns", "messages", "conversations"];

/** Reads the rows as plain objects; columns that are null in a row are left out.
 *  @throws DataError when the file is not Parquet, is cut off, or has none of the expected columns. */
export async function* readParquet(
  file: string,
  wanted: readonly string[] = SHAPES,
): AsyncGenerator<{ row: number; value: Record<string, unknown> }> {
  using reader = new FileReader(file, "a Parquet file");
  checkEnds(reader, file);
  const { parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  const buffer = {
    byteLength: reader.bytes,
    slice(start: number, end = reader.bytes): ArrayBuffer {
      const piece = new Uint8Array(end - start);
      reader.read(start, piece);
      return piece.buffer;
    },
  };
  const damaged = (cause: unknown) =>
    new DataError({ file }, "parquet footer missing or damaged", {
      hint: "the file may be half-downloaded; fetch it again",
      cause,
    });
  const metadata = await parquetMetadataAsync(buffer).catch((cause: unknown) => {
    throw damaged(cause);
  });
  const columns = topLevel(metadata.schema);
  if (!columns.some((column) => wanted.includes(column)))
    throw new DataError(
      { file },
      `no column ${wanted === SHAPES ? "messages, conversations or turns" : wanted.join(" or ")}; found ${columns.join(", ")}`,
    );
  let row = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = row + Number(group.num_rows);
    const values = await parquetReadObjects({
      file: buffer,
      metadata,
      rowStart: row,
      rowEnd,
      compressors,
    }).catch((cause: unknown) => {
      throw new DataError(
        { file },
        `damaged data in rows ${row} to ${rowEnd - 1} (${(cause as Error).message})`,
        { cause },
      );
    });
    for (const value of values) {
      const fields = plain(value) as Record<string, unknown>;
      // An episode without a terminal is a fact, not a missing field.
      if (value.terminal === null) fields.terminal = null;
      yield { row: row++, value: fields };
    }
  }
}

function checkEnds(reader: FileReader, file: string): void {
  const word = new Uint8Array(4);
  const at = (offset: number) => {
    reader.read(offset, word);
    return String.fromCharCode(...word);
  };
  if (reader.bytes < 4 || at(0) !== "PAR1") throw new DataError({ file }, "not a parquet file");
  if (reader.bytes < 12 || at(reader.bytes - 4) !== "PAR1")
    throw new DataError({ file }, "parquet footer missing or damaged", {
      hint: "the file may be half-downloaded; fetch it again",
    });
}

/** Names of the columns, of a schema that lists its tree depth first. */
function topLevel(schema: readonly { name: string; num_children?: number }[]): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = () => {
    let left = schema[at++]!.num_children ?? 0;
    while (left-- > 0) skip();
  };
  while (at < schema.length) {
    names.push(schema[at]!.name);
    skip();
  }
  return names;
}

/** 64-bit integers as numbers, and nulls left out of objects: Parquet has every column in every row. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Date || ArrayBuffer.isView(value))
    return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === null || item === undefined ? [] : [[key, plain(item)]],
    ),
  );
}
