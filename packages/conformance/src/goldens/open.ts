import type { GoldenFile, GoldenFiles, Manifest, ManifestEntry } from './format.ts';
import { texts } from './texts.ts';

/** Something wrong with the golden files themselves. */
export interface Finding {
  readonly kind: 'manifest' | 'absent' | 'truncated' | 'unreadable' | 'altered' | 'missing-cases' | 'surplus-cases';
  /** The file it is about; null for the manifest's totals. */
  readonly file: string | null;
  /** Cases that are gone, by id as far as the numbering gives it. */
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

function readManifest(text: string | undefined, findings: Finding[]): Manifest | null {
  const wrong = (message: string): null => {
    findings.push({ kind: 'manifest', file: 'manifest.json', message: `manifest.json: ${message}` });
    return null;
  };
  if (text === undefined) return wrong('not there');
  try {
    const manifest = JSON.parse(text) as Manifest;
    if (manifest.schemaVersion !== 1) return wrong(`schemaVersion ${String(manifest.schemaVersion)}, expected 1`);
    if (typeof manifest.files !== 'object' || manifest.files === null) return wrong('no files in it');
    return manifest;
  } catch (error) {
    return wrong(`not JSON (${(error as Error).message})`);
  }
}

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
  const bytes = byteLength(text);
  let parsed: Partial<GoldenFile> & { schemaVersion?: number };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (error) {
    const short = bytes < entry.bytes;
    const message = short
      ? `${name}: truncated, ${bytes} of ${entry.bytes} bytes; none of its ${entry.cases} cases were run`
      : `${name}: not JSON (${(error as Error).message}); none of its ${entry.cases} cases were run`;
    findings.push({ kind: short ? 'truncated' : 'unreadable', file: name, message });
    return null;
  }
  const known = ['trajectories', 'schedules', 'checks'] as const;
  if (parsed.schemaVersion !== 1 || !known.some((kind) => kind === parsed.kind) || !Array.isArray(parsed.cases)) {
    const message = `${name}: kind ${JSON.stringify(parsed.kind)} of schemaVersion ${String(parsed.schemaVersion)} is not known`;
    findings.push({ kind: 'unreadable', file: name, message });
    return null;
  }
  const file = { ...parsed, name } as GoldenFile;
  compareCases(file, entry, findings);
  return file;
}

/** `option-007` of `option-007-nesterov`: what the ids are numbered by. */
const numbered = /^(.+?-)(\d+)(?=-|$)/;

function compareCases(file: GoldenFile, entry: ManifestEntry, findings: Finding[]): void {
  const missing = entry.cases - file.cases.length;
  if (missing < 0) {
    const message = `${file.name}: ${file.cases.length} cases, the manifest counts ${entry.cases}`;
    findings.push({ kind: 'surplus-cases', file: file.name, message });
  }
  if (missing <= 0) return;
  const cases = builtinIds(file.name, entry)?.filter((id) => !file.cases.some((one) => one.id === id)) ?? gaps(file);
  const unnamed = missing - cases.length;
  const list = [...cases, ...(unnamed > 0 ? [`${unnamed} at the end`] : [])].join(', ');
  const message = `${file.name}: ${missing} of ${entry.cases} cases are missing: ${list}`;
  findings.push({ kind: 'missing-cases', file: file.name, cases, message });
}

/** The file of this package that the manifest entry describes, if it is the same one. */
export function builtinTwin(name: string, entry: ManifestEntry | undefined): string | undefined {
  const own = texts['manifest.json'];
  const twin = own === undefined ? undefined : (JSON.parse(own) as Manifest).files[name];
  return twin !== undefined && twin.sha256 === entry?.sha256 ? texts[name] : undefined;
}

function builtinIds(name: string, entry: ManifestEntry): string[] | undefined {
  const twin = builtinTwin(name, entry);
  return twin === undefined ? undefined : (JSON.parse(twin) as GoldenFile).cases.map((one) => one.id);
}

/** Numbers that the ids of a file skip. */
function gaps(file: GoldenFile): string[] {
  const skipped: string[] = [];
  const next = new Map<string, number>();
  for (const { id } of file.cases) {
    const [, prefix, digits] = numbered.exec(id) ?? [];
    if (prefix === undefined || digits === undefined) continue;
    for (let n = next.get(prefix) ?? 0; n < Number(digits); n++)
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

/** Compares the SHA-256 of a file with the manifest. Undefined where the environment has no WebCrypto (an insecure page). */
export async function digestFinding(goldens: Goldens, name: string): Promise<Finding | null | undefined> {
  const subtle = (globalThis.crypto as { subtle?: typeof globalThis.crypto.subtle } | undefined)?.subtle;
  const entry = goldens.manifest?.files[name];
  const text = goldens.texts[name];
  if (!subtle) return undefined;
  if (!entry || text === undefined) return null;
  const digest = new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(text)));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (sha256 === entry.sha256) return null;
  const message = `${name}: altered, its SHA-256 is ${sha256.slice(0, 12)}…, the manifest says ${entry.sha256.slice(0, 12)}…`;
  return { kind: 'altered', file: name, message };
}
