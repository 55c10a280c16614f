// Pipelines and bind groups, each made once and kept: a training step makes none.

import { kernels, library } from "../../kernels/index.ts";
import { GpuError } from "../base/errors.ts";
import { type Binding, bindingsOf, type ParamField, paramsOf } from "./reflect.ts";
import { type Spec, specialise } from "./specialise.ts";
import type { Tensor } from "./tensor.ts";

const visibleToCompute = 4;

/** One compiled variant of a kernel. */
export interface Kernel {
  /** Name with its spec, e.g. `rms_norm_forward[T=f16]`. */
  readonly label: string;
  readonly bindings: readonly Binding[];
  readonly params: readonly ParamField[];
  /** @internal */
  readonly pipeline: GPUComputePipeline;
  /** @internal */
  readonly layout: GPUBindGroupLayout;
}

/** All variants compiled so far on one device. */
export class KernelCache {
  private readonly compiled = new Map<string, Kernel>();
  private readonly groups = new Map<string, { group: GPUBindGroup; tensors: readonly Tensor[] }>();
  private readonly groupsOfBuffer = new Map<GPUBuffer, Set<string>>();

  constructor(private readonly gpu: GPUDevice) {}

  /** Pipelines made so far: constant after the first steps of a run. */
  get pipelineCount(): number {
    return this.compiled.size;
  }

  /** Bind groups alive. */
  get bindGroupCount(): number {
    return this.groups.size;
  }

  /** The variant `spec` of a kernel, compiled on first use.
   *  @throws GpuError when Dawn refuses the source, Error when the spec is not one the file lists. */
  get(name: string, spec: Spec = {}): Kernel {
    const key = `${name}${JSON.stringify(spec)}`;
    let kernel = this.compiled.get(key);
    if (!kernel) {
      kernel = this.compile(name, spec);
      this.compiled.set(key, kernel);
    }
    return kernel;
  }

  private compile(name: string, spec: Spec): Kernel {
    const source = kernels[name];
    if (source === undefined) throw new Error(`kernel ${name}: not in kernels/index.ts`);
    const { code, constants, label } = specialise({ name, source }, spec, library);
    const bindings = bindingsOf(code);
    const params = paramsOf(code);
    const layout = this.gpu.createBindGroupLayout({
      label,
      entries: bindings.map((binding) => ({
        binding: binding.index,
        visibility: visibleToCompute,
        buffer: { type: binding.writable ? "storage" : "read-only-storage" },
      })),
    });
    try {
      const pipeline = this.gpu.createComputePipeline({
        label,
        layout: this.gpu.createPipelineLayout({
          label,
          bindGroupLayouts: [layout],
          immediateSize: params.length * 4,
        }),
        compute: { module: this.gpu.createShaderModule({ label, code }), entryPoint: name, constants },
      });
      return { label, bindings, params, pipeline, layout };
    } catch (error) {
      throw new GpuError(`kernel ${label}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** @internal The bind group of these tensors, in binding order; made on first use. */
  group(kernel: Kernel, tensors: readonly Tensor[]): GPUBindGroup {
    let key = kernel.label;
    for (const tensor of tensors) key += `,${tensor.id}`;
    const known = this.groups.get(key);
    if (known) return known.group;
    const group = this.gpu.createBindGroup({
      label: kernel.label,
      layout: kernel.layout,
      entries: tensors.map((tensor, i) => ({
        binding: kernel.bindings[i]!.index,
        resource: { buffer: tensor.buffer, offset: tensor.offset, size: tensor.bytes },
      })),
    });
    this.groups.set(key, { group, tensors });
    for (const { buffer } of tensors) {
      let keys = this.groupsOfBuffer.get(buffer);
      if (!keys) {
        keys = new Set();
        this.groupsOfBuffer.set(buffer, keys);
      }
      keys.add(key);
    }
    return group;
  }

  /** @internal Drops the bind groups of a buffer that is going away. */
  forget(buffer: GPUBuffer): void {
    for (const key of this.groupsOfBuffer.get(buffer) ?? []) {
      for (const tensor of this.groups.get(key)!.tensors)
        if (tensor.buffer !== buffer) this.groupsOfBuffer.get(tensor.buffer)?.delete(key);
      this.groups.delete(key);
    }
    this.groupsOfBuffer.delete(buffer);
  }
}
