/** The sources of the kernels, by file name. */
export function sources(): Record<string, string>;
/** The bytes of the module that these sources give; throws when they don't compile. */
export function compile(files?: Readonly<Record<string, string>>): Promise<Uint8Array>;
/** The module as the package has it. */
export function textOf(binary: Uint8Array): string;
/** The text of `src/kernels.ts`. */
export function sourceOf(binary: Uint8Array): string;
