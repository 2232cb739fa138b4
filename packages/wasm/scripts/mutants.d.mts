/** A change of the kernels in one place. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly from: string;
  readonly to: string;
  readonly files: Readonly<Record<string, string>>;
}
/** All mutants. */
export function mutants(): Mutant[];
