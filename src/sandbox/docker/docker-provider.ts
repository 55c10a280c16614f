// Worlds as containers of a Docker engine.

import type {
  OpenOptions,
  ProviderFacts,
  Sandbox,
  SandboxLimits,
  SandboxProvider,
  World,
} from "../contract.ts";
import { cleanEngine } from "./clean.ts";
import { type DockerWorld, openDockerWorld } from "./docker-world.ts";
import type { Engine } from "./engine.ts";

/** Stands worlds up with one engine and one image, which is given by its id. */
export class DockerProvider implements SandboxProvider {
  readonly name = "docker";
  readonly #open = new Set<DockerWorld>();

  constructor(
    readonly engine: Engine,
    readonly image: string,
    readonly limits: SandboxLimits,
  ) {}

  async facts(): Promise<ProviderFacts> {
    const { version } = this.engine;
    return {
      provider: this.name,
      version,
      image: this.image,
      properties: engineProperties(this.engine, this.limits),
    };
  }

  async open(world: World, options: OpenOptions = {}): Promise<Sandbox> {
    const made = await openDockerWorld(this.engine, this.image, world, this.limits, options);
    this.#open.add(made);
    made.onClosed = () => this.#open.delete(made);
    return made;
  }

  async clean(
    options: { readonly all?: boolean; readonly dryRun?: boolean } = {},
  ): Promise<readonly string[]> {
    return await cleanEngine(this.engine, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map((world) => world.close()));
  }
}

/** What holds with this engine; a value that starts with `no` is something that it cannot do. */
export function engineProperties({ info }: Engine, limits: SandboxLimits): Record<string, string> {
  const security = (info.SecurityOptions ?? []).map((option) => /name=([^,]+)/.exec(option)?.[1] ?? option);
  const has = (name: string) => security.includes(name);
  const limited = (can: boolean | undefined, value: string) =>
    can === false ? "not limited by this engine" : value;
  return {
    network: "isolated: own namespace, loopback only",
    capabilities: "all dropped",
    no_new_privileges: "yes",
    seccomp: has("seccomp") ? "filtered by the engine's default profile" : "no filter in this engine",
    apparmor: has("apparmor") ? "yes" : "no",
    root: "read-only",
    user_namespaces: has("seccomp") ? "refused by the seccomp profile" : "not refused",
    engine_user: has("rootless") ? "rootless" : has("userns") ? "root, with remapped users" : "root",
    memory: limited(
      info.MemoryLimit,
      `${limits.memoryBytes} bytes${info.SwapLimit === false ? ", swap is not counted" : ", swap included"}`,
    ),
    processes: limited(info.PidsLimit, `${limits.processes}`),
    cpus: limited(info.CpuCfsQuota, `${limits.cpus}`),
    disk: `${limits.diskBytes} bytes for each root`,
    cgroups: `v${info.CgroupVersion ?? "1"}`,
    storage: info.Driver ?? "unknown",
    runtime: info.DefaultRuntime ?? "unknown",
  };
}
