import { CASES, ENTRY, FILE, MANIFEST, NAME } from './fits.ts';
import type { GoldenFile, GoldenFiles, Manifest, ManifestEntry, UnfitCase } from './format.ts';
import { misfitOf, printable } from './rules.ts';
import { texts } from './texts.ts';

/** Something wrong with the golden files themselves. */
export interface Finding {
  readonly kind:
    | 'manifest'
    | 'absent'
    | 'truncated'
    | 'unreadable'
    | 'malformed'
    | 'altered'
    | 'missing-cases'
    | 'surplus-cases';
  /** The file it is about; null for the manifest's totals. */
  readonly file: string | null;
  /** Cases that are gone, by id as far as the numbering gives it; of a malformed one, its id. */
  readonly cases?: readonly string[];
  readonly message: string;
}

/** Golden files that were read and compared with their manifest, except for their SHA-256 (see `digests`). */
export interface Goldens {
  readonly set: string;
  readonly manifest: Manifest | null;
  readonly files: readonly GoldenFile[];
  readonly findings: readonly Finding[];
  /** Files that the manifest does not list: not run. */
  readonly unlisted: readonly string[];
  readonly texts: GoldenFiles;
}

/** The goldens that come with this package: `manifest.json` and the files that it lists, as texts. */
export function builtinGoldens(): GoldenFiles {
  return texts;
}

/** Parses golden files and compares their sizes and cases with the manifest. Never throws: what is wrong becomes a finding. */
export function openGoldens(sources: GoldenFiles): Goldens {
  const findings: Finding[] = [];
  const names = Object.keys(sources).filter((name) => name.endsWith('.json') && name !== 'manifest.json');
  const manifest = readManifest(sources['manifest.json'], findings);
  const files: GoldenFile[] = [];
  for (const [name, entry] of Object.entries(manifest?.files ?? {})) {
    const text = Object.hasOwn(sources, name) ? sources[name] : undefined;
    if (text === undefined) {
      findings.push({ kind: 'absent', file: name, message: `${name}: in the manifest, but not there` });
      continue;
    }
    const file = readFile(name, text, entry, findings);
    if (file) files.push(file);
  }
  const unlisted = names.filter((name) => !Object.hasOwn(manifest?.files ?? {}, name));
  if (manifest) compareTotals(manifest, files, findings);
  return { set: manifest?.set ?? 'unknown', manifest, files, findings, unlisted, texts: sources };
}

/** The manifest with the entries that fit. */
function readManifest(text: string | undefined, findings: Finding[]): Manifest | null {
  const wrong = (message: string): null => {
    findings.push({ kind: 'manifest', file: 'manifest.json', message: `manifest.json: ${message}` });
    return null;
  };
  if (text === undefined) return wrong('not there');
  let manifest: Manifest;
  try {
    manifest = JSON.parse(text) as Manifest;
  } catch (error) {
    return wrong(notJson(error));
  }
  const misfit = misfitOf(MANIFEST, manifest);
  if (misfit !== undefined) return wrong(misfit);
  const files = Object.entries(manifest.files).filter(([name, entry]) => {
    const found = misfitOf(NAME, name) ?? misfitOf(ENTRY, entry);
    if (found !== undefined) wrong(`files["${printable(name, 80)}"]: ${found}`);
    return found === undefined;
  });
  return { ...manifest, files: Object.fromEntries(files) };
}

const notJson = (error: unknown): string => `not JSON (${printable((error as Error).message, 120)})`;

/** UTF-8 length without a buffer of it. */
function byteLength(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit & 0xf800) !== 0xd800 ? 2 : 1;
  }
  return bytes;
}

function readFile(name: string, text: string, entry: ManifestEntry, findings: Finding[]): GoldenFile | null {
  const lost = (kind: 'truncated' | 'unreadable', what: string): null => {
    findings.push({ kind, file: name, message: `${name}: ${what}; none of its ${entry.cases} cases were run` });
    return null;
  };
  let parsed: { kind: GoldenFile['kind']; cases: readonly unknown[] };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (error) {
    const bytes = byteLength(text);
    if (bytes < entry.bytes) return lost('truncated', `truncated, ${bytes} of ${entry.bytes} bytes`);
    return lost('unreadable', notJson(error));
  }
  const misfit = misfitOf(FILE, parsed);
  if (misfit !== undefined) return lost('unreadable', misfit);
  const file = { name, kind: parsed.kind, ...fitting(name, parsed.kind, parsed.cases) } as GoldenFile;
  for (const { id, message } of file.unfit) findings.push({ kind: 'malformed', file: name, cases: [id], message });
  compareCases(file, entry, findings);
  return file;
}

/** The cases that fit the format and have an id of their own, and those that do not. */
function fitting(
  file: string,
  kind: GoldenFile['kind'],
  cases: readonly unknown[],
): Pick<GoldenFile, 'cases' | 'unfit'> {
  const ids = new Set<string>();
  const fit: { id: string }[] = [];
  const unfit: UnfitCase[] = [];
  cases.forEach((one, index) => {
    const { id } = (one ?? {}) as { id?: unknown };
    const named = misfitOf(NAME, id) === undefined ? (id as string) : undefined;
    const taken = named !== undefined && ids.has(named);
    const misfit =
      misfitOf(CASES[kind], one) ?? (taken ? 'id: expected one of its own, got that of a case before it' : undefined);
    if (misfit === undefined) fit.push(one as { id: string });
    else {
      const message = `${file}: ${named ?? `cases[${index}]`}: ${misfit}`;
      unfit.push({ id: taken || named === undefined ? `${file}[${index}]` : named, message });
    }
    if (named !== undefined) ids.add(named);
  });
  return { cases: fit, unfit } as unknown as Pick<GoldenFile, 'cases' | 'unfit'>;
}

/** `option-007` of `option-007-nesterov`: what the ids are numbered by. */
const numbered = /^(.+?-)(\d+)(?=-|$)/;
/** Most missing cases that are named, and that a message names. */
const NAMED = { findings: 1000, message: 10 } as const;

function compareCases(file: GoldenFile, entry: ManifestEntry, findings: Finding[]): void {
  const found = [...file.cases, ...file.unfit].map(({ id }) => id);
  const missing = entry.cases - found.length;
  if (missing < 0) {
    const message = `${file.name}: ${found.length} cases, the manifest counts ${entry.cases}`;
    findings.push({ kind: 'surplus-cases', file: file.name, message });
  }
  if (missing <= 0) return;
  const present = new Set(found);
  const cases = builtinIds(file.name, entry)?.filter((id) => !present.has(id)) ?? gaps(found, missing);
  const unnamed = missing - cases.length;
  const rest = Math.max(0, cases.length - NAMED.message);
  const list = [
    ...cases.slice(0, NAMED.message),
    ...(rest > 0 ? [`${rest} more`] : []),
    ...(unnamed > 0 ? [`${unnamed} at the end`] : []),
  ].join(', ');
  const message = `${file.name}: ${missing} of ${entry.cases} cases are missing: ${list}`;
  findings.push({ kind: 'missing-cases', file: file.name, cases, message });
}

let builtin: Manifest['files'] | undefined;

/** The file of this package that the manifest entry describes, if it is the same one. */
export function builtinTwin(name: string, entry: ManifestEntry | undefined): string | undefined {
  builtin ??= (JSON.parse(texts['manifest.json'] ?? '{"files":{}}') as Manifest).files;
  const twin = Object.hasOwn(builtin, name) ? builtin[name] : undefined;
  return twin !== undefined && twin.sha256 === entry?.sha256 ? texts[name] : undefined;
}

function builtinIds(name: string, entry: ManifestEntry): string[] | undefined {
  const twin = builtinTwin(name, entry);
  return twin === undefined ? undefined : (JSON.parse(twin) as GoldenFile).cases.map((one) => one.id);
}

/** Numbers that the ids of a file skip, as far as so many are missing: a number alone does not make thousands of cases. */
function gaps(ids: readonly string[], missing: number): string[] {
  const most = Math.min(missing, NAMED.findings);
  const skipped: string[] = [];
  const next = new Map<string, number>();
  for (const id of ids) {
    const [, prefix, digits] = numbered.exec(id) ?? [];
    if (prefix === undefined || digits === undefined) continue;
    for (let n = next.get(prefix) ?? 0; n < Number(digits) && skipped.length < most; n++)
      skipped.push(prefix + String(n).padStart(digits.length, '0'));
    next.set(prefix, Number(digits) + 1);
  }
  return skipped;
}

function compareTotals(manifest: Manifest, files: readonly GoldenFile[], findings: Finding[]): void {
  const wanted = {
    trajectories: manifest.trajectoryCases,
    schedules: manifest.scheduleCases,
    checks: manifest.checkCases,
  };
  for (const [kind, total] of Object.entries(wanted)) {
    if (total === undefined) continue;
    const listed = Object.entries(manifest.files).filter(([name]) => {
      const file = files.find((one) => one.name === name);
      return file ? file.kind === kind : name.startsWith(kind);
    });
    const sum = listed.reduce((count, [, entry]) => count + entry.cases, 0);
    if (sum === total) continue;
    const message = `manifest.json: ${total} ${kind} in all, but its files add up to ${sum}`;
    findings.push({ kind: 'manifest', file: null, message });
  }
}

/** SHA-256 of the files of goldens, as far as they were asked for: once for each file, not for each of its cases. */
const digests = new WeakMap<Goldens, Map<string, Promise<string>>>();

async function sha256Of(text: string, subtle: typeof globalThis.crypto.subtle): Promise<string> {
  const digest = new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Compares the SHA-256 of a file with the manifest. Undefined where the environment has no WebCrypto (an insecure page). */
export async function digestFinding(goldens: Goldens, name: string): Promise<Finding | null | undefined> {
  const subtle = (globalThis.crypto as { subtle?: typeof globalThis.crypto.subtle } | undefined)?.subtle;
  const entry = goldens.manifest?.files[name];
  const text = goldens.texts[name];
  if (!subtle) return undefined;
  if (!entry || text === undefined) return null;
  const known = digests.get(goldens) ?? new Map<string, Promise<string>>();
  digests.set(goldens, known);
  const digest = known.get(name) ?? sha256Of(text, subtle);
  known.set(name, digest);
  const sha256 = await digest;
  if (sha256 === entry.sha256) return null;
  const message = `${name}: altered, its SHA-256 is ${sha256.slice(0, 12)}…, the manifest says ${entry.sha256.slice(0, 12)}…`;
  return { kind: 'altered', file: name, message };
}
