import { type Backend, SgdError, type SgdErrorCode } from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import { expect } from 'vitest';

/** The real arithmetic of `@sgd/cpu`, each call answered later. `hold()` keeps steps from being answered until `let()`. */
export function later(): Backend<CpuVariable, CpuGradient, 'async'> & { hold(): () => void } {
  const inner = cpu();
  let gate: Promise<void> = Promise.resolve();
  return {
    ...inner,
    mode: 'async',
    hold() {
      let open = (): void => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return open;
    },
    async open(program, variables) {
      const session = inner.open(program, variables);
      return {
        variables: session.variables,
        read: (entries) => session.read(entries),
        write: (entries) => session.write(entries),
        measured: () => session.measured?.() ?? Promise.resolve({}),
        async step(step, gradients, indices) {
          const taken = session.step(step, gradients, indices);
          await gate;
          return taken;
        },
        async averages(action) {
          session.averages(action);
        },
        async dispose() {
          session.dispose();
        },
      };
    },
  };
}

/** The call must throw an SgdError of this code, whose message matches. */
export function expectRefusal(call: () => unknown, code: SgdErrorCode, message?: RegExp): SgdError {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  return isRefusal(error, code, message);
}

/** The promise must reject with an SgdError of this code, whose message matches. */
export async function expectRejection(call: Promise<unknown>, code: SgdErrorCode, message?: RegExp): Promise<SgdError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isRefusal(error, code, message);
}

function isRefusal(error: unknown, code: SgdErrorCode, message: RegExp | undefined): SgdError {
  expect(error).toBeInstanceOf(SgdError);
  const refusal = error as SgdError;
  expect(refusal.code, refusal.message).toBe(code);
  if (message) expect(refusal.message).toMatch(message);
  return refusal;
}

export const f32 = (...values: number[]): Float32Array => Float32Array.from(values);
