import { fail, throwIfAny } from '../failure.ts';
import { digestFinding, type Goldens } from '../goldens/open.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('goldens');

/** The files themselves: present, whole, as many cases as the manifest counts, and its SHA-256. */
export function goldensRoom(goldens: Goldens): SuiteTest[] {
  const names = Object.keys(goldens.manifest?.files ?? {});
  const about = (file: string): typeof goldens.findings => goldens.findings.filter((finding) => finding.file === file);
  return [
    test('manifest.json', 'can be read, and its totals add up', async () => {
      throwIfAny(goldens.findings.filter(({ file }) => file === null || file === 'manifest.json'));
      if (names.length === 0) fail('manifest.json: lists no files');
    }),
    ...names.map((name) =>
      test(name, 'is as the manifest says', async () => {
        const digest = await digestFinding(goldens, name);
        const found = about(name);
        // a truncated file is altered, too: once is enough
        const rest = digest && !found.some(({ kind }) => kind === 'truncated') ? [digest] : [];
        throwIfAny([...found, ...rest]);
      }),
    ),
  ];
}
