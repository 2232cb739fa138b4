import type { Backend, Session } from '@sgd/core';
import { cpu } from '@sgd/cpu';

/** An engine that does nothing, at once: what is measured with it is core's own. */
export function idle(): Backend<Float32Array, Float32Array, 'sync'> {
  const session = (variables: readonly Float32Array[]): Session<Float32Array, Float32Array, 'sync'> => ({
    variables,
    step: () => true,
    averages() {},
    read: () => Promise.resolve([]),
    write: () => Promise.resolve(),
    dispose() {},
  });
  return {
    contract: 2,
    name: 'idle',
    mode: 'sync',
    supports: cpu().supports,
    tolerance: { rtol: 0, atol: 0 },
    variable: ({ data }) => Float32Array.from(data),
    gradient: ({ data }) => Float32Array.from(data),
    free() {},
    describe: (variable) => ({ shape: [variable.length], dtype: 'float32' }),
    refuses: () => null,
    open: (_program, variables) => session(variables),
  };
}
