import type { Operation, TracedValue } from '@sgd/core/engine';

const INFIX: Partial<Record<Operation, string>> = { add: '+', sub: '-', mul: '*', scale: '*', div: '/' };

/** Operations that are functions of every language. Others are functions that each language defines: `smallest`, `choose`, … */
const BUILT_IN: Partial<Record<Operation, string>> = { abs: 'abs', sqrt: 'sqrt' };

/** What languages call the operations that they define themselves. */
const DEFINED: Partial<Record<Operation, string>> = {
  min: 'smallest',
  max: 'largest',
  sign: 'signOf',
  select: 'choose',
  pow: 'power',
};

/**
 * What a program on a GPU computes for each element, in identifiers that are numbered: `t0` are elements of tensors, `n0` numbers that the
 * host knows, `d0` numbers on the device, `v0` what is computed. All are of the type `T`, which may be several elements at once. Numbers
 * are handed to the program, so that there is one program however they change.
 */
export class Shader {
  /** One for each tensor that is made. */
  readonly outputs: readonly TracedValue[];
  /** What is read: tensors, and values that were computed before. */
  readonly tensors: readonly TracedValue[];
  /** What a `NumberProgram` computes for it. */
  readonly hostNumbers: readonly TracedValue[];
  /** Sums of earlier passes, and scalars that stay on the device. */
  readonly deviceNumbers: readonly TracedValue[];
  /** What the declarations compute, operands first. */
  readonly computed: readonly TracedValue[];
  readonly #names = new Map<TracedValue, string>();

  /**
   * @param outputs - values for each element, or numbers for all
   * @param deviceScalars - the names of scalars that are on the device; `null` where the host knows all numbers, those of sums too
   * @param known - values for each element that earlier programs made
   */
  constructor(
    outputs: readonly TracedValue[],
    deviceScalars: ReadonlySet<string> | null,
    known: ReadonlySet<TracedValue> = new Set(),
  ) {
    const groups: Record<'t' | 'n' | 'd' | 'v', TracedValue[]> = { t: [], n: [], d: [], v: [] };
    const isOnDevice = (value: TracedValue): boolean =>
      deviceScalars !== null &&
      (value.kind === 'sum' || deviceScalars.has(value.name) || value.operands.some(isOnDevice));
    const visit = (value: TracedValue): void => {
      if (this.#names.has(value)) return;
      const group = known.has(value) ? 't' : groupOf(value, isOnDevice);
      if (group === 'v') value.operands.forEach(visit);
      this.#names.set(value, `${group}${groups[group].length}`);
      groups[group].push(value);
    };
    outputs.forEach(visit);
    this.outputs = outputs;
    this.tensors = groups.t;
    this.hostNumbers = groups.n;
    this.deviceNumbers = groups.d;
    this.computed = groups.v;
  }

  /** The identifier of a value. */
  nameOf(value: TracedValue): string {
    return this.#names.get(value)!;
  }

  /** Declarations of what is computed, operands first. */
  declarations(declare: (name: string, expression: string) => string): string[] {
    return this.computed.map((value) => declare(this.nameOf(value), this.#expression(value)));
  }

  /** The functions of `DEFINED` that the declarations call. */
  get calls(): ReadonlySet<string> {
    const kinds = this.computed.map(({ kind }) => DEFINED[kind as Operation]);
    return new Set(kinds.filter((name) => name !== undefined));
  }

  #expression({ kind, operands }: TracedValue): string {
    const names = operands.map((operand) => this.nameOf(operand));
    const infix = INFIX[kind as Operation];
    if (infix !== undefined) return names.join(` ${infix} `);
    if (kind === 'neg') return `-${names[0]}`;
    return `${BUILT_IN[kind as Operation] ?? DEFINED[kind as Operation]}(${names.join(', ')})`;
  }
}

function groupOf(value: TracedValue, isOnDevice: (value: TracedValue) => boolean): 't' | 'n' | 'd' | 'v' {
  const { kind, isWide } = value;
  if (kind === 'tensor') return 't';
  if (isWide) return 'v';
  if (!isOnDevice(value)) return 'n';
  return kind === 'sum' || kind === 'scalar' ? 'd' : 'v';
}

/** Whether a value is 0 where all tensors are, whatever finite values numbers have: a place without an element stays 0 then. */
export function vanishes(value: TracedValue): boolean {
  const [a, b, c] = value.operands as [TracedValue, TracedValue, TracedValue];
  switch (value.kind) {
    case 'tensor':
      return true;
    case 'constant':
      return value.number === 0;
    case 'add':
    case 'sub':
    case 'min':
    case 'max':
      return vanishes(a) && vanishes(b);
    case 'mul':
    case 'scale':
      return vanishes(a) || vanishes(b);
    case 'div':
      return vanishes(a) && !vanishes(b);
    case 'neg':
    case 'abs':
    case 'sqrt':
    case 'sign':
      return vanishes(a);
    case 'select':
      return vanishes(b) && vanishes(c);
    default:
      return false;
  }
}
