import { stepCount, type TrainingSettings } from '../settings/model.ts';
import type { Phase, Progress } from '../training/messages.ts';
import { duration, percent, short, whole } from './format.ts';
import type { TrainingHistory } from './history.ts';

/** One line beside the buttons: how far it is, or how far it will go. */
export function statusOf(
  phase: Phase,
  training: TrainingSettings,
  progress: Progress | null | undefined,
  changed: boolean,
): string {
  const later = changed ? ' · new settings count from the next training' : '';
  if (phase === 'idle' || !progress) {
    return phase === 'starting'
      ? 'Loading the digits and the engine…'
      : `${whole(stepCount(training))} steps of ${whole(training.batch)} digits`;
  }
  const { step, steps, epoch, secondsLeft } = progress;
  if (phase === 'ended')
    return `${step < steps ? 'Stopped after' : 'Done:'} ${whole(step)} of ${whole(steps)} steps${later}`;
  const left = phase === 'paused' ? 'paused' : `${duration(secondsLeft)} left`;
  return `Epoch ${epoch} of ${training.epochs} · step ${whole(step)} of ${whole(steps)} · ${left}${later}`;
}

/** In words, how it goes: for a screen reader. */
export function summaryOf(history: TrainingHistory | null): string {
  const progress = history?.progress;
  if (!progress) return '';
  const runs = [...history.runs].map(([name, { loss, tests }]) => {
    const who = history.runs.size > 1 ? `Run ${name.toUpperCase()}: loss` : 'Loss';
    const last = tests.at(-1);
    return `${who} ${short(loss.at(-1))}, test accuracy ${percent(last?.averaged ?? last?.accuracy)}.`;
  });
  return `Step ${progress.step} of ${progress.steps}. ${runs.join(' ')}`;
}
