// SVG to PNG, in this process: resvg as WebAssembly, with its font inside, so that a picture is the same on every machine.

import { initWasm, Resvg } from "@resvg/resvg-wasm";
import wasm from "@resvg/resvg-wasm/index_bg.wasm" with { type: "file" };
import { figureFaces } from "./font.ts";

let ready: Promise<void> | undefined;

/** The picture at twice its size, as PNG. System fonts are not looked at. */
export async function toPng(svg: string): Promise<Uint8Array> {
  ready ??= Bun.file(String(wasm))
    .arrayBuffer()
    .then((bytes) => initWasm(bytes));
  await ready;
  const { regular, bold } = figureFaces();
  const drawing = new Resvg(svg, {
    fitTo: { mode: "zoom", value: 2 },
    font: {
      fontBuffers: [regular.bytes, bold.bytes],
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
  });
  try {
    const image = drawing.render();
    const png = image.asPng();
    image.free();
    return png;
  } finally {
    drawing.free();
  }
}
