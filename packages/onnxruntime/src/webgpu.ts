import type { Program, Session } from '@sgd/core';
import { plainSession, StepDefinition, type StepPhase } from '@sgd/core/engine';
import { deviceOf } from './device.ts';
import type { Engine } from './engine.ts';
import { GpuKind } from './gpu-kind.ts';
import { readModel } from './gpu-models.ts';
import { GpuSession } from './gpu-session.ts';
import { LoadedModel } from './loaded-model.ts';
import type { OnnxTensor } from './tensor.ts';

type Async = Session<OnnxTensor, OnnxTensor, 'async'>;

/** What most steps are. */
const UPDATE: StepPhase = { phase: 'update', ordinary: true, averageOverwrite: false };

/** Takes variables to the GPU, where they stay. */
export async function openGpu(engine: Engine, program: Program, given: readonly OnnxTensor[]): Promise<Async> {
  const { variables, clip, finiteCheck } = program;
  const isDecaying = variables.some(({ decays }) => decays);
  // all in one graph: see GpuSteps
  const alike = { ...program, variables: variables.map((variable) => ({ ...variable, decays: isDecaying })) };
  const definition = new StepDefinition(alike);
  const groups = groupKinds(program, definition);
  const isNormInside = clip === 'global-norm' && !finiteCheck && groups.length === 1 && !sumsWithin(definition);
  const settings = { engine, program, definition, isNormInside };
  const kinds = groups.map((indices) => new GpuKind(settings, indices));
  let spare: LoadedModel | undefined;
  const dispose = async (): Promise<void> => {
    for (const kind of kinds) await kind.dispose();
    await spare?.dispose();
    spare = undefined;
  };
  try {
    for (const kind of kinds) await loadUsual(program, kind);
    // a rule may have nothing to compute: ONNX Runtime has a device once it has a model
    let anchor = kinds.find(({ anyModel }) => anyModel !== undefined)?.anyModel;
    if (anchor === undefined) {
      spare = await LoadedModel.load(engine, readModel([], true).bytes);
      anchor = spare.bytes;
    }
    const device = await deviceOf(engine);
    for (const kind of kinds) kind.allocate(device);
    const session = new GpuSession(settings, kinds, { device, anchor, dispose }, given);
    return plainSession(session.handles, session);
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Variables for which the same is computed. */
function groupKinds({ variables }: Program, definition: StepDefinition): number[][] {
  const groups = new Map<string, number[]>();
  const situation = definition.situations.keyOf(UPDATE, true);
  variables.forEach((_, index) => {
    const key = definition.kernelKey(index, situation);
    groups.set(key, [...(groups.get(key) ?? []), index]);
  });
  return [...groups.values()];
}

/** Whether the rule sums what the norm over all has an effect on: its sums are taken first then. */
function sumsWithin(definition: StepDefinition): boolean {
  return definition.update(0, definition.situations.keyOf(UPDATE, true)).passes.some(({ sums }) => sums.length > 0);
}

/** Loads what most steps need. */
async function loadUsual({ accumulates }: Program, kind: GpuKind): Promise<void> {
  for (const phase of accumulates ? (['update', 'accumulate'] as const) : (['update'] as const)) {
    await kind.squares({ ...UPDATE, phase });
    await kind.plan({ ...UPDATE, phase }, 'all');
  }
}
