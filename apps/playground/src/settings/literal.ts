/** Columns of a line of code. */
const WIDTH = 100;

/** A name of the program, where a value could stand. */
export class Name {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A value as code: on one line where it fits, else one member a line. `before`: how many columns stand before it. */
export function literal(value: unknown, indent = '', before = 0): string {
  if (value instanceof Name) return value.name;
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return broken('[', value, ']', indent, before, (each, inner) => literal(each, inner));
  if (typeof value !== 'object' || value === null || value instanceof RegExp) return String(value);
  return broken('{ ', Object.entries(value), ' }', indent, before, ([key, member], inner) =>
    member instanceof Name && member.name === key ? key : `${key}: ${literal(member, inner, key.length + 2)}`,
  );
}

/** A call as code, broken in the same way. */
export function call(callee: string, args: readonly unknown[], before = 0): string {
  return callee + broken('(', args, ')', '', before + callee.length, (each, inner) => literal(each, inner));
}

function broken<T>(
  open: string,
  members: readonly T[],
  close: string,
  indent: string,
  before: number,
  write: (member: T, indent: string) => string,
): string {
  const line = open + members.map((member) => write(member, indent)).join(', ') + close;
  if (!line.includes('\n') && indent.length + before + line.length <= WIDTH) return line;
  const inner = `${indent}  `;
  const lines = members.map((member) => `${inner}${write(member, inner)},\n`);
  return `${open.trim()}\n${lines.join('')}${indent}${close.trim()}`;
}
