import type { Mode, Program, Session } from '@sgd/core';
import { StepDefinition } from '@sgd/core/engine';
import type { Device } from './device.ts';
import type { GpuGradient, GpuVariable } from './gpu.ts';
import { Stepper } from './step.ts';
import { call, perform, type Work } from './steps.ts';
import { loadTensors } from './tensors.ts';

/** Takes the variables to the device, and gives what core asks for. */
export function* openSession<M extends Mode>(
  device: Device,
  program: Program,
  given: readonly GpuVariable[],
): Work<Session<GpuVariable, GpuGradient, M>> {
  const mode = device.mode as M;
  const definition = new StepDefinition(program);
  const tensors = yield* loadTensors(device, program, definition, given);
  const stepper = new Stepper({ device, program, definition, tensors });
  const dispose = (): void => {
    stepper.forget();
    tensors.dispose();
  };
  return {
    variables: tensors.handles,
    step: (step, gradients, indices) => perform(mode, stepper.step(step, gradients, indices)),
    averages: (action) =>
      perform(
        mode,
        call(() => tensors.averages(action)),
      ),
    read: (entries) => tensors.read(entries),
    write: (entries) => tensors.write(entries),
    measured: () => perform('async', stepper.measured()),
    dispose: () => perform(mode, call(dispose)),
  };
}
