import * as core from '@sgd/core';
import { deserialize, deserializeSchedule, LossScaleOptimizer, SGD } from '@sgd/core';
import type { AnyBackend } from '../backend.ts';
import { check, fail, show } from '../failure.ts';
import { type CheckCase, withNumbers } from '../goldens/format.ts';
import type { Goldens } from '../goldens/open.ts';
import { codeOf, errorOf } from '../refusals.ts';
import { inChecks } from '../replay/differences.ts';
import { movedInTwin } from '../replay/twin.ts';
import { inRoom, type SuiteTest, unfitTests } from '../test.ts';
import { throwIfAny } from '../failure.ts';

const test = inRoom('checks');

/** What constructors take and refuse, as Keras does; where we differ on purpose, our refusal. */
export function checksRoom(goldens: Goldens): SuiteTest[] {
  return goldens.files
    .filter((file) => file.kind === 'checks')
    .flatMap((file) => [
      ...file.cases
        .filter(({ pythonOnly }) => !pythonOnly)
        .map((one) =>
          test(one.id, `${one.target} ${show(one.args)}: ${one.error ?? 'accepted'}`, async ({ backend }) => {
            const moved = movedInTwin(goldens, file.name, one);
            if (moved) throwIfAny(moved);
            await run(one, backend);
          }),
        ),
      ...unfitTests(test, file),
    ]);
}

async function run(one: CheckCase, backend: AnyBackend): Promise<void> {
  let warned = false;
  const error = await errorOf(() => construct(one, backend, () => (warned = true)));
  const code = error === undefined ? undefined : codeOf(error);
  if (error !== undefined && code === undefined)
    fail(`${one.id}: expected an SgdError, got ${show(error)}`, { case: one.id });
  const difference = inChecks.find(({ applies }) => applies(one));
  const wanted = one.error !== null || difference !== undefined;
  const what = `${one.target} ${show(one.args)}`;
  check(
    wanted === (error !== undefined),
    `${one.id}: ${what}: ${wanted ? `not refused (${one.error ?? difference?.reason})` : `refused: ${show(error)}`}`,
    {
      case: one.id,
    },
  );
  if (error === undefined && Boolean(one.warns) !== warned)
    fail(`${one.id}: ${what}: ${warned ? 'warned, Keras does not' : 'no warning, Keras warns'}`, { case: one.id });
}

const camel = (key: string): string => key.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Keras's arguments under our names; serialized schedules become schedules. */
function options(args: CheckCase['args']): Record<string, never> {
  const entries = Object.entries(withNumbers(args) as Record<string, unknown>).map(([key, value]) => {
    const schedule = key === 'learning_rate' && typeof value === 'object' && value !== null;
    return [camel(key), schedule ? deserializeSchedule(value) : value];
  });
  return Object.fromEntries(entries) as Record<string, never>;
}

function construct({ target, args }: CheckCase, backend: AnyBackend, onWarning: () => void): unknown {
  if (target === 'SGD') return new SGD(options(args), backend, { onWarning });
  if (target === 'LossScaleOptimizer')
    return new LossScaleOptimizer(new SGD({ learningRate: 0.1 }, backend), options(args));
  if (target === 'get') return deserialize(args.identifier, backend, { onWarning });
  const Schedule = (core as unknown as Record<string, new (options: object) => object>)[target];
  if (!Schedule || !/^[A-Z]\w*(Decay|Restarts)$/.test(target))
    fail(`the check's target ${show(target)} is not in the format`);
  return new Schedule(options(args));
}
