import { SGD } from '@sgd/core';
import { type Gpu, type GpuGradient, gpujs, gpujsAsync, type GpuVariable } from '@sgd/gpujs';
import { GPU, type Texture } from 'gpu.js';
import { expectTypeOf, it } from 'vitest';

it("gpu.js's own GPU and textures are what is taken", () => {
  expectTypeOf<GPU>().toExtend<Gpu>();
  expectTypeOf<Texture>().toExtend<GpuVariable>();
  expectTypeOf<Texture>().toExtend<GpuGradient>();
  expectTypeOf<Float32Array[][]>().toExtend<GpuGradient>();
  expectTypeOf<string>().not.toExtend<GpuGradient>();
});

it('one makes synchronous calls, the other promises', () => {
  const gpu = new GPU();
  const sync = new SGD({}, gpujs({ gpu }));
  expectTypeOf<ReturnType<typeof sync.apply>>().toEqualTypeOf<boolean>();
  const async = new SGD({}, gpujsAsync({ gpu }));
  expectTypeOf<ReturnType<typeof async.apply>>().toEqualTypeOf<Promise<boolean>>();
});

it('what `shaped` gives goes into kernels', () => {
  const kernel = new GPU().createKernel('function(w) { return w[0][0]; }').setOutput([1]);
  expectTypeOf<ReturnType<ReturnType<typeof gpujs>['shaped']>>().toExtend<Parameters<typeof kernel>[0]>();
});
