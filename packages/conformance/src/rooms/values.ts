import { derive, type AnyBackend, tensor } from '../backend.ts';
import { throwIfAny } from '../failure.ts';
import { wantFeatureRefused } from '../features.ts';
import { bitsOf } from '../goldens/bits.ts';
import type { TrajectoryCase } from '../goldens/format.ts';
import { digestFinding, type Goldens } from '../goldens/open.ts';
import { wantRefusal } from '../refusals.ts';
import { compare, type Mismatch, strictnessOf } from '../replay/compare.ts';
import { diagnose } from '../replay/diagnose.ts';
import { hintOf } from '../replay/hint.ts';
import { needsOf } from '../replay/needs.ts';
import { makeOptimizer } from '../replay/make.ts';
import { observe } from '../replay/observe.ts';
import { movedInTwin, twinOf } from '../replay/twin.ts';
import { inRoom, type Outcome, type SuiteTest, unfitTests } from '../test.ts';

const test = inRoom('values');

/** Every trajectory recorded from Keras, replayed through the public API. */
export function valuesRoom(goldens: Goldens): SuiteTest[] {
  return goldens.files
    .filter((file) => file.kind === 'trajectories')
    .flatMap((file) => [
      ...file.cases.map((one) => test(one.id, titleOf(one), ({ backend }) => replay(one, backend, goldens, file.name))),
      ...unfitTests(test, file),
    ]);
}

function titleOf(one: TrajectoryCase): string {
  if (one.note !== undefined) return one.note;
  return `as recorded with ${needsOf(one).join(', ') || 'nothing but a rate'} (${one.exactness}, ${one.dtype})`;
}

async function replay(one: TrajectoryCase, backend: AnyBackend, goldens: Goldens, file: string): Promise<Outcome> {
  const known = one.dtype === 'float32' || one.dtype === 'float64';
  if (!known) {
    await wantTypeRefused(one, backend);
    return 'refused';
  }
  const missing = needsOf(one).filter((feature) => !backend.supports.has(feature));
  if (missing.length > 0) {
    for (const feature of missing) await wantFeatureRefused(backend, feature);
    return 'refused';
  }
  const twin = twinOf(goldens, file, one);
  const altered = (one.bits !== undefined && bitsOf(one) !== one.bits) || Boolean(await digestFinding(goldens, file));
  if (twin) throwIfAny([...(movedInTwin(goldens, file, one) ?? []), ...(await differences(twin, backend))]);
  else throwIfAny(await (altered ? diagnose(one, backend) : differences(one, backend)));
  return 'passed';
}

async function differences(one: TrajectoryCase, backend: AnyBackend): Promise<Mismatch[]> {
  const found = compare(one, await observe(one, backend), strictnessOf(backend));
  const hint = hintOf(one, found);
  const [first] = found;
  if (hint && first) found[0] = { ...first, hint, message: `${first.message}\n${hint}` };
  return found;
}

/** A type that is none of ours, such as float16, is refused by name. */
async function wantTypeRefused(one: TrajectoryCase, backend: AnyBackend): Promise<void> {
  const odd = derive(backend, { describe: (variable) => ({ ...backend.describe(variable), dtype: one.dtype }) });
  const optimizer = makeOptimizer(one.optimizer, odd, () => {});
  const variable = backend.variable(tensor([1], [1]));
  await wantRefusal(
    `variables of type ${one.dtype}`,
    () => optimizer.build({ x: variable }),
    ['SGD_UNSUPPORTED'],
    [one.dtype],
  );
  backend.free(variable);
}
