// `npm run api`: writes what each package offers, as text, to api/: a change of it shows in review. From the declarations in dist.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { isMain } from './pnpm.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const none = { default: { logLevel: ExtractorLogLevel.None } };
const compilerOptions = {
  target: 'es2022',
  module: 'nodenext',
  moduleResolution: 'nodenext',
  lib: ['es2023', 'dom'],
  types: [],
  skipLibCheck: true,
};

/** Every module that a package exports, but those for tests of its own: `[file name of the report, folder, declarations]`. */
function entries() {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const folder = join(root, 'packages', name);
      const { exports = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      return Object.entries(exports)
        .filter(([path, { types }]) => types && path !== './conformance')
        .map(([path, { types }]) => [[name, ...path.split('/').slice(1)].join('-'), folder, join(folder, types)]);
    });
}

/** The reports by their file names. */
export function reports() {
  const folder = mkdtempSync(join(tmpdir(), 'sgd-api-'));
  try {
    return new Map(entries().map((entry) => [`${entry[0]}.api.md`, reportOf(entry, folder)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function reportOf([name, projectFolder, mainEntryPointFilePath], folder) {
  const configObject = {
    projectFolder,
    mainEntryPointFilePath,
    newlineKind: 'lf',
    compiler: { overrideTsconfig: { compilerOptions } },
    apiReport: { enabled: true, reportFileName: `${name}.api.md`, reportFolder: folder, reportTempFolder: folder },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: { compilerMessageReporting: none, extractorMessageReporting: none, tsdocMessageReporting: none },
  };
  const packageJsonFullPath = join(projectFolder, 'package.json');
  const config = ExtractorConfig.prepare({ configObject, configObjectFullPath: undefined, packageJsonFullPath });
  const messageCallback = (message) => void (message.handled = message.logLevel !== ExtractorLogLevel.Error);
  const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback });
  if (!succeeded) throw new Error(`${name}: API Extractor can not read ${mainEntryPointFilePath}`);
  return readFileSync(join(folder, `${name}.api.md`), 'utf8');
}

if (isMain(import.meta.url)) {
  const target = join(root, 'api');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const [file, text] of reports()) writeFileSync(join(target, file), text);
}
