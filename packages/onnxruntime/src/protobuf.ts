/** A field of a message: its number, and a varint, a text, bytes, or a message of fields. `undefined` leaves it out. */
export type Field = readonly [number: number, value: number | string | Uint8Array | readonly Field[] | undefined];

// in every environment that ONNX Runtime runs in, but neither in ES2023 nor in the types of Node or the DOM alone
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const utf8 = new TextEncoder();

/** A number from 0 to 2^53 in base 128, the lowest digits first. */
function varint(value: number, to: number[]): void {
  for (; value > 127; value = Math.floor(value / 128)) to.push((value % 128) + 128);
  to.push(value);
}

/** Puts bytes one behind the other. */
export function joined(parts: readonly ArrayLike<number>[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The bytes of a Protocol Buffers message. Bytes of two messages, put one behind the other, are one message with the fields of both. */
export function encode(fields: readonly Field[]): Uint8Array {
  const parts: ArrayLike<number>[] = [];
  for (const [number, value] of fields) {
    if (value === undefined) continue;
    const head: number[] = [];
    parts.push(head);
    if (typeof value === 'number') {
      varint(number * 8, head);
      varint(value, head);
    } else {
      const body = typeof value === 'string' ? utf8.encode(value) : value instanceof Uint8Array ? value : encode(value);
      varint(number * 8 + 2, head);
      varint(body.length, head);
      parts.push(body);
    }
  }
  return joined(parts);
}
