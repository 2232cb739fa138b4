import type { Program } from '../contract.ts';
import { isSgdError, refuse } from '../errors.ts';
import { applyRule, structureOf } from '../engine/surround.ts';
import { RESERVED_SCALARS } from '../engine/step-scalars.ts';
import { makeTracer, TracedValue } from '../engine/trace.ts';
import { short, shown, thrown } from '../shown.ts';
import { type AnyRule, type Operation, RESERVED_NAMES, type SlotSpec, STEP_SCALARS } from './rule.ts';

/** The slots that a rule asks for under any of the configs, each once. */
export function slotsOf(rule: AnyRule, configs: readonly object[]): readonly SlotSpec[] {
  const byName = new Map<string, SlotSpec>();
  for (const config of configs) {
    const slots = asked(rule, 'slots()', (): unknown => rule.slots(config as never));
    if (!Array.isArray(slots)) refuseRule(rule, `expected slots() to give a list, got ${shown(slots)}`);
    const own = new Set<string>();
    for (const slot of slots as readonly SlotSpec[]) {
      checkSlot(rule, slot);
      if (own.has(slot.name)) refuseRule(rule, `two slots have the name ${short(slot.name)}`);
      own.add(slot.name);
      const { name, initial = 0, interleaved = false } = slot;
      const known = byName.get(name);
      if (known !== undefined && !Object.is(known.initial, initial))
        refuseRule(rule, `groups give the slot ${short(name)} different first values`);
      byName.set(name, interleaved ? { name, initial, interleaved } : { name, initial });
    }
  }
  return [...byName.values()];
}

function checkSlot(rule: AnyRule, slot: SlotSpec): void {
  const name: unknown = (slot as Partial<SlotSpec> | null | undefined)?.name;
  if (typeof name !== 'string' || !/^[A-Za-z]\w*$/.test(name))
    refuseRule(rule, `expected the name of a slot to be letters, digits and "_", got ${shown(name)}`);
  if (RESERVED_NAMES.includes(name)) refuseRule(rule, `the slot ${name} has a name that is the step's own`);
  const { initial } = slot;
  if (initial !== undefined && typeof initial !== 'number')
    refuseRule(rule, `slot ${name}: initial: expected a number, got ${shown(initial)}`);
}

/** Refuses scalars that are no options, or that have names of the step's. */
export function checkScalars(rule: AnyRule, options: readonly string[]): void {
  const { scalars = [] } = rule;
  if (!Array.isArray(scalars)) refuseRule(rule, `scalars: expected a list of names, got ${shown(scalars)}`);
  for (const name of scalars as readonly string[]) {
    if (RESERVED_SCALARS.includes(name)) refuseRule(rule, `the scalar ${name} has a name that is the step's own`);
    if (!options.includes(name)) refuseRule(rule, `the scalar ${short(String(name))} is no option`);
  }
}

/**
 * Records the rule under each config, refuses what it gives where that can't be run, and tells which operations it does on tensors.
 */
export function operationsOf({ rule, configs, slots }: Pick<Program, 'rule' | 'configs' | 'slots'>): Set<Operation> {
  const operations = new Set<Operation>();
  for (const config of configs) {
    const tracer = makeTracer();
    const named = (names: readonly string[], make: (name: string) => TracedValue): Record<string, TracedValue> =>
      Object.fromEntries(names.map((name) => [name, make(name)]));
    const names = slots.map(({ name }) => name);
    const tensors = named(['x', 'g', ...names], (name) => tracer.tensor(name));
    const scalars = named([...STEP_SCALARS, ...(rule.scalars ?? [])], (name) => tracer.scalar(name));
    const options = { rule, config: structureOf(rule, config), slots };
    const given = asked(rule, 'update()', (): unknown => applyRule(tracer, options, tensors, scalars));
    for (const value of valuesOf(rule, given, names)) collect(value, operations);
  }
  return operations;
}

/** What a rule gave, checked. */
function valuesOf(rule: AnyRule, given: unknown, slots: readonly string[]): readonly TracedValue[] {
  if (typeof given !== 'object' || given === null)
    refuseRule(rule, `expected update() to give a record, got ${shown(given)}`);
  const entries = Object.entries(given);
  if (!entries.some(([name]) => name === 'x')) refuseRule(rule, 'update() does not give x');
  return entries.map(([name, value]) => {
    if (name !== 'x' && !slots.includes(name)) {
      const known = slots.length > 0 ? slots.join(', ') : 'none';
      refuseRule(rule, `update() gives ${short(name)}, which is no slot of it (slots: ${known})`);
    }
    if (!(value instanceof TracedValue)) refuseRule(rule, `update(): ${name}: expected a value, got ${shown(value)}`);
    return value;
  });
}

function collect(value: TracedValue, into: Set<Operation>, seen = new Set<TracedValue>()): void {
  if (seen.has(value)) return;
  seen.add(value);
  const isOperation = value.kind !== 'tensor' && value.kind !== 'scalar' && value.kind !== 'constant';
  if (isOperation && (value.isWide || value.kind === 'sum')) into.add(value.kind as Operation);
  for (const operand of value.operands) collect(operand, into, seen);
}

/** What a function of a rule gives; what it throws names the rule. */
function asked<T>(rule: AnyRule, what: string, ask: () => T): T {
  try {
    return ask();
  } catch (cause) {
    refuseRule(rule, isSgdError(cause) ? cause.message : `${what} threw ${thrown(cause)}`, cause);
  }
}

function refuseRule(rule: AnyRule, problem: string, cause?: unknown): never {
  refuse('SGD_INVALID_OPTION', `the rule ${shown(rule.name)}: ${problem}`, cause);
}
