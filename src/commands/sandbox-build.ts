// `sekft sandbox build`: the image of the worlds.

import { defineCommand } from "../base/command.ts";

export const sandboxBuild = defineCommand({
  name: "sandbox build",
  summary: "Builds the Docker image that worlds run in, and prints its id",
  description:
    "The image holds dash as /bin/sh and busybox's applets, and nothing else: from Alpine, pinned by digest (docker/Dockerfile), or " +
    "with --offline from this machine's busybox-static and dash, byte for byte the same each time. Its id is remembered, so that an " +
    "image that was changed behind our back is noticed. The engine is found by DOCKER_HOST or at the usual socket.",
  options: {
    offline: { type: "flag", help: "build from this machine's busybox and dash, without a registry" },
    tag: { type: "string", value: "TAG", usual: "sekft-sandbox:latest", help: "name of the image" },
  },
  examples: [
    { line: "sekft sandbox build", does: "builds the Alpine image" },
    { line: "sekft sandbox build --offline", does: "builds its twin where no registry answers" },
  ],
  async run(options, terminal) {
    const { connectEngine } = await import("../sandbox/docker/engine.ts");
    const { buildImage } = await import("../sandbox/docker/image.ts");
    const engine = await connectEngine();
    const { offline, tag } = options;
    const image = await buildImage(engine, { offline, tag, say: (line) => terminal.note(line) });
    terminal.note(`${image.tag}: ${image.kind}, engine ${engine.version} at ${engine.where}`);
    terminal.out(terminal.json ? JSON.stringify({ ...image, engine: engine.version }) : image.id);
  },
});
