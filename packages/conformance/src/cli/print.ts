import { isExact, type AnyBackend } from '../backend.ts';
import type { Report, RoomCounts } from '../report.ts';
import type { TestResult } from '../run.ts';

/** Lines of a failure that are printed; `--json` has all. */
const LISTED = 25;

const columns = ['passed', 'refused', 'failed'] as const;

function row(name: string, cells: readonly (string | number)[]): string {
  return name.padEnd(16) + cells.map((cell) => String(cell).padStart(9)).join('');
}

/** What a person watches: one line of the table for each room as it ends and, on a terminal, the test that is running. */
export class Progress {
  readonly #out: NodeJS.WritableStream;
  readonly #terminal: boolean;
  readonly #backend: AnyBackend;
  #room: RoomCounts | undefined;

  constructor(out: NodeJS.WritableStream & { isTTY?: boolean }, backend: AnyBackend) {
    this.#out = out;
    this.#terminal = out.isTTY === true;
    this.#backend = backend;
  }

  #head(): void {
    const backend = this.#backend;
    const { rtol, atol } = backend.tolerance;
    const how = isExact(backend) ? 'compared bit for bit' : `tolerance of a step: rtol ${rtol}, atol ${atol}`;
    this.#out.write(`backend ${backend.name} (${backend.mode}), ${how}\n\n${row('room', columns)}\n`);
  }

  test({ room, status }: TestResult, done: number, total: number): void {
    if (done === 1) this.#head();
    if (this.#room?.room !== room) {
      this.#endRoom();
      this.#room = { room, passed: 0, refused: 0, failed: 0, expectedFailures: 0 };
    }
    this.#room[status === 'expected-failure' ? 'expectedFailures' : status]++;
    if (this.#terminal) this.#out.write(`\r${this.#line()}   ${done}/${total} `);
    if (done === total) this.#endRoom();
  }

  #line(): string {
    return this.#room
      ? row(
          this.#room.room,
          columns.map((column) => this.#room![column]),
        )
      : '';
  }

  #endRoom(): void {
    if (this.#room)
      this.#out.write(`${this.#terminal ? '\r' : ''}${this.#line()}${this.#terminal ? '\u001b[K' : ''}\n`);
    this.#room = undefined;
  }
}

/** What is left to say when all rooms are through. */
export function conclusion(report: Report): string {
  const { passed, refused, failed, seconds, goldens, failures } = report;
  const lines = [row('total', [passed, refused, failed]), ''];
  if (refused > 0)
    lines.push('refused: needs what the backend or core does not have; that it is refused by name was checked', '');
  for (const { id, title, details } of failures) {
    lines.push(`FAILED ${id}: ${title}`);
    for (const { message } of details.slice(0, LISTED)) lines.push(`  ${message.replaceAll('\n', '\n  ')}`);
    if (details.length > LISTED) lines.push(`  … and ${details.length - LISTED} more (--json lists all)`);
    lines.push('');
  }
  if (goldens.unlisted.length > 0) lines.push(`not in the manifest, not run: ${goldens.unlisted.join(', ')}`);
  if (goldens.findings.length > 0 || goldens.moved.length > 0) lines.push(...aboutGoldens(report));
  lines.push(`${passed + refused} passed, ${failed} failed in ${seconds.toFixed(1)} s`);
  return lines.join('\n');
}

/** As many as are printed, and how many there are besides. */
function firstOf(all: readonly string[]): string[] {
  return all.length > LISTED
    ? [...all.slice(0, LISTED), `… and ${all.length - LISTED} more (--json lists all)`]
    : [...all];
}

const messagesOf = (all: readonly { readonly message: string }[]): string[] =>
  firstOf(all.map(({ message }) => message)).map((message) => `    ${message}`);

function aboutGoldens({ goldens: { findings, moved } }: Report): string[] {
  const files = (kind: string): string =>
    findings
      .filter((finding) => finding.kind === kind)
      .map(({ file }) => file)
      .join(', ');
  const missing = findings.flatMap(({ kind, cases = [] }) => (kind === 'missing-cases' ? cases : []));
  const misfits = findings.filter(({ kind }) => kind === 'manifest' || kind === 'malformed');
  const lines = ['The goldens are not what their manifest says:'];
  for (const kind of ['altered', 'truncated', 'unreadable', 'absent'])
    if (files(kind)) lines.push(`  ${kind}: ${files(kind)}`);
  if (missing.length > 0) lines.push(`  missing cases: ${firstOf(missing).join(', ')}`);
  if (misfits.length > 0) lines.push(`  not in the format: ${misfits.length}`, ...messagesOf(misfits));
  if (moved.length > 0) lines.push(`  altered numbers: ${moved.length}`, ...messagesOf(moved));
  lines.push('');
  return lines;
}
