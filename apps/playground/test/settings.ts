import { presetState } from '../src/settings/link.ts';
import type { RunSettings, TrainingSettings } from '../src/settings/model.ts';

const presets = presetState('cpu', 'wasm');

/** The presets of a run, with some of it changed. */
export const run = (changed: Partial<RunSettings> = {}): RunSettings => ({ ...presets.a, ...changed });

/** The presets of a training, with some of it changed. */
export const training = (changed: Partial<TrainingSettings> = {}): TrainingSettings => ({
  ...presets.training,
  ...changed,
});
