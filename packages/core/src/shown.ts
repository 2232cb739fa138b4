/** Characters of a value, a name or a path in a message. */
const LONGEST = 99;
/** Elements of a list in a message. */
const MOST = 9;

/** A name or a path of the user's in a message: as it is, unless it is long. */
export function short(text: string, most: number = LONGEST): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

function tagOf(value: unknown): string {
  return short(Object.prototype.toString.call(value).slice(8, -1));
}

/** What kind of object a value is: a class name, or `Object`. */
function kindOf(value: object): string {
  const { name } = (value.constructor ?? {}) as { name?: unknown };
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return tagOf(value);
  return typeof name === 'string' && name !== '' ? short(name) : tagOf(value);
}

function lengthOf(value: object): number | undefined {
  const { length } = value as { length?: unknown };
  return typeof length === 'number' ? length : undefined;
}

/** Anything that could be awaited. */
export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function shownObject(value: object): string {
  if (isPromise(value)) return 'a promise: await it';
  if (value instanceof RegExp) return short(String(value));
  const length = lengthOf(value);
  return length === undefined ? kindOf(value) : `${kindOf(value)} of ${length}`;
}

/** What a function of strangers' values says of them; getters and proxies may throw. */
function guarded(say: () => string): string {
  try {
    return say();
  } catch {
    return 'an object that can not be read';
  }
}

/**
 * A value in a message: strings and numbers as they are, of objects only the kind and size. Never more than a line, never throws, and
 * takes no longer for a long value.
 */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'function':
      return 'a function';
    case 'string':
      return short(JSON.stringify(short(value)), 2 * LONGEST);
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? `${value}n` : 'a large bigint';
    case 'object':
      return value === null ? 'null' : guarded(() => shownObject(value));
    default:
      return short(String(value));
  }
}

/** What an engine or a callback threw, in a message. */
export function thrown(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return shown(cause);
  return guarded(() => short(String(cause as Error), 3 * LONGEST));
}

/** The first few of a list in a message, and how many there are. */
export function listed(list: ArrayLike<unknown>, say: (value: never) => string = shown, comma = ', '): string {
  const first = Array.prototype.slice.call(list, 0, MOST).map((value) => say(value as never));
  const all = first.join(comma);
  return list.length > MOST ? `${all}${comma}… (${list.length})` : all;
}

/** A shape in a message, with its brackets; of what is no list, `[undefined]`. */
export function shownShape(shape: unknown): string {
  const isList = Array.isArray(shape) || ArrayBuffer.isView(shape);
  return isList ? guarded(() => `[${listed(shape as unknown as ArrayLike<unknown>, shown, ',')}]`) : '[undefined]';
}

/**
 * What came in the place of a tensor, for the messages of an engine, e.g. `"Float32Array of length 3, shape [3]"`. It never throws and is
 * never long, whatever the value says of itself.
 *
 * @param data - what should hold the values
 * @param shape - what should be its shape
 */
export function shownTensor(data: unknown, shape: unknown): string {
  return guarded(() => {
    const isObject = typeof data === 'object' && data !== null;
    const kind = isObject ? kindOf(data) : data === null || data === undefined ? String(data) : tagOf(data);
    const length = isObject ? lengthOf(data) : typeof data === 'string' ? data.length : undefined;
    return `${kind} of length ${length}, shape ${shownShape(shape)}`;
  });
}
