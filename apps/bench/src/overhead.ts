import { type Backend, type Session, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import type { Job } from './steps.ts';
import { time } from './timing.ts';

/** What a step costs beside the arithmetic: momentum on variables of one element. */
export interface OverheadRow {
  readonly variables: number;
  /** Core on an engine that does nothing, nanoseconds a step. */
  readonly coreNs: number;
  /** What each further variable adds to that, against one variable. */
  readonly corePerFurtherNs: number;
  /** Core and `@sgd/cpu`. */
  readonly cpuNs: number;
  readonly cpuPerFurtherNs: number;
}

/** An engine that does nothing, at once. */
function idle(): Backend<Float32Array, Float32Array, 'sync'> {
  const session = (variables: readonly Float32Array[]): Session<Float32Array, Float32Array, 'sync'> => ({
    variables,
    step: () => true,
    averages() {},
    read: () => Promise.resolve([]),
    write: () => Promise.resolve(),
    dispose() {},
  });
  return {
    contract: 1,
    name: 'idle',
    mode: 'sync',
    supports: new Set(['momentum']),
    tolerance: { rtol: 0, atol: 0 },
    variable: ({ data }) => Float32Array.from(data),
    gradient: ({ data }) => Float32Array.from(data),
    free() {},
    describe: (variable) => ({ shape: [variable.length], dtype: 'float32' }),
    refuses: () => null,
    open: (_program, variables) => session(variables),
  };
}

function applier(backend: Backend<Float32Array, Float32Array, 'sync'>, count: number): () => void {
  const arrays = (): Float32Array[] => Array.from({ length: count }, () => new Float32Array(1));
  const optimizer = new SGD({ momentum: 0.9 }, backend);
  optimizer.build(arrays());
  const gradients = arrays();
  return () => optimizer.apply(gradients);
}

/** For so many variables of one element. One variable is measured along, for what each further one adds. */
export function overheadJob(count: number): Job<OverheadRow> {
  return {
    name: `overhead ${count}`,
    run(effort) {
      const engines = [idle(), cpu() as Backend<Float32Array, Float32Array, 'sync'>] as const;
      const counts = [1, count];
      const calls = engines.flatMap((engine) => counts.map((n) => applier(engine, n)));
      const [coreOne, core, cpuOne, cpuAll] = time(calls, effort).map((t) => t.median) as [
        number,
        number,
        number,
        number,
      ];
      const further = (all: number, one: number): number => (count > 1 ? (all - one) / (count - 1) : 0);
      return {
        variables: count,
        coreNs: core,
        corePerFurtherNs: further(core, coreOne),
        cpuNs: cpuAll,
        cpuPerFurtherNs: further(cpuAll, cpuOne),
      };
    },
  };
}
