/** Golden files by name, `manifest.json` among them: the texts as they are on disk. */
export type GoldenFiles = Readonly<Record<string, string>>;

/** A number as the files write it: `"NaN"`, `"Infinity"` and `"-Infinity"` are strings. */
export type GoldenNumber = number | 'NaN' | 'Infinity' | '-Infinity';

/** How far arithmetic may be from the recording: see `exactness` in the format. */
export type Exactness = 'exact' | 'reduction' | 'transcendental';

/** An object that Keras serializes: an optimizer or a schedule. */
export interface SerializedObject {
  readonly module?: string | null;
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly registered_name?: string | null;
}

export interface GoldenVariable {
  readonly name: string;
  readonly path: string;
  readonly shape: readonly number[];
  readonly values: readonly GoldenNumber[];
  readonly constraint?: string | null;
  readonly overwriteWithGradient?: boolean;
}

export interface GoldenStep {
  readonly finalize?: boolean;
  readonly setLearningRate?: GoldenNumber | SerializedObject;
  readonly setError?: string;
  readonly grads?: readonly (readonly GoldenNumber[] | null)[];
  readonly vars?: readonly number[];
  readonly expectError?: string;
}

/** Entries are null for a variable without that slot; the whole is null when nobody has it. */
export type GoldenSlots = readonly (readonly GoldenNumber[] | null)[] | null;

export interface GoldenExpectation {
  readonly step: number;
  readonly learningRateUsed: GoldenNumber;
  readonly learningRate: GoldenNumber;
  readonly iterations: number;
  readonly rawIterations: number;
  readonly variables: GoldenSlots;
  readonly momentums: GoldenSlots;
  readonly accumulators: GoldenSlots;
  readonly averages: GoldenSlots;
  readonly warnedMissing?: readonly string[];
  readonly dynamicScale?: GoldenNumber;
  readonly stepCounter?: number;
}

export interface TrajectoryCase {
  readonly id: string;
  readonly tags?: readonly string[];
  readonly note?: string;
  readonly exactness: Exactness;
  readonly dtype: string;
  readonly optimizer: SerializedObject;
  readonly serialized: SerializedObject;
  readonly excludeFromWeightDecay?: { readonly varNames?: readonly string[]; readonly varList?: readonly number[] };
  readonly variables: readonly GoldenVariable[];
  readonly optimizerVariables: readonly {
    readonly path: string;
    readonly shape: readonly number[];
    readonly dtype: string;
  }[];
  readonly steps: readonly GoldenStep[];
  readonly expect: readonly GoldenExpectation[];
  readonly final?: { readonly variables: GoldenSlots };
  readonly bits?: string;
}

export interface ScheduleCase {
  readonly id: string;
  readonly exactness: Exactness;
  readonly schedule: SerializedObject;
  readonly steps: readonly number[];
  readonly values: readonly GoldenNumber[];
  readonly farSteps?: readonly number[];
  readonly farValues?: readonly GoldenNumber[];
  readonly fractionalSteps?: readonly number[];
  readonly fractionalValues?: readonly GoldenNumber[];
  readonly fragileSteps?: readonly number[];
}

export interface CheckCase {
  readonly id: string;
  readonly target: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly error: string | null;
  readonly warns?: boolean;
  readonly pythonOnly?: boolean;
  readonly note?: string;
}

/** A case that does not fit the format, and so can't be run. */
export interface UnfitCase {
  /** Its own, or one made of the file and its place. */
  readonly id: string;
  /** The file, the case, the field, what was expected and what stands there. */
  readonly message: string;
}

interface FileOf<K extends string, C> {
  readonly name: string;
  readonly kind: K;
  /** Those that fit the format. */
  readonly cases: readonly C[];
  /** The others. */
  readonly unfit: readonly UnfitCase[];
}

/** A file that could be read. */
export type GoldenFile =
  | FileOf<'trajectories', TrajectoryCase>
  | FileOf<'schedules', ScheduleCase>
  | FileOf<'checks', CheckCase>;

export interface ManifestEntry {
  readonly cases: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly schemaVersion: number;
  readonly set: string;
  readonly kind: 'manifest';
  readonly trajectoryCases?: number;
  readonly scheduleCases?: number;
  readonly checkCases?: number;
  readonly source?: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, ManifestEntry>>;
}

const words: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity };

/** A golden number as a number. Throws on anything else. */
export function toNumber(x: unknown): number {
  const value = typeof x === 'string' ? words[x] : x;
  if (typeof value !== 'number') throw new TypeError(`not a golden number: ${JSON.stringify(x)}`);
  return value;
}

/** Replaces the strings for NaN and infinities inside arguments by the numbers. */
export function withNumbers(x: unknown): unknown {
  if (typeof x === 'string') return Object.hasOwn(words, x) ? words[x] : x;
  if (Array.isArray(x)) return x.map(withNumbers);
  if (typeof x !== 'object' || x === null) return x;
  return Object.fromEntries(Object.entries(x).map(([key, value]) => [key, withNumbers(value)]));
}
