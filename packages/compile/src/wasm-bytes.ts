// How the binary format of WebAssembly writes numbers and lists.

/** Appends an unsigned integer of 32 bits in LEB128: seven bits a byte, the lowest first. */
export function pushUnsigned(bytes: number[], value: number): void {
  let rest = value >>> 0;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
}

/** An unsigned integer of 32 bits in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  pushUnsigned(bytes, value);
  return bytes;
}

/** A signed integer of 32 bits in LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (; rest < -64 || rest > 63; rest >>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest & 127);
  return bytes;
}

/** Always five bytes, so that it can be filled in later. */
export const padded = (value: number): number[] =>
  [0, 7, 14, 21, 28].map((bit) => ((value >>> bit) & 127) | (bit < 28 ? 128 : 0));

/** Appends in a loop: to spread and to flatten arrays takes most of the time of making a module. */
export function pushAll(bytes: number[], more: readonly number[]): void {
  for (let i = 0; i < more.length; i++) bytes.push(more[i]!);
}

/** The count of items, then the items. */
export function list(items: readonly (readonly number[])[]): number[] {
  const bytes = unsigned(items.length);
  for (const item of items) pushAll(bytes, item);
  return bytes;
}

/** The length of the content, then the content. */
export function sized(content: readonly number[]): number[] {
  const bytes = unsigned(content.length);
  pushAll(bytes, content);
  return bytes;
}
