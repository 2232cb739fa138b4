#!/usr/bin/env node
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { endWithOutput } from '../../../tooling/output.mjs';
import { build, OUT, serve } from './site.ts';

interface Flags {
  readonly base: string;
  readonly out: string;
  readonly serve?: true;
  readonly port: number;
}

endWithOutput('docs');

const basePath = (value: string): string => {
  if (!/^\/(?:.*\/)?$/.test(value)) throw new InvalidArgumentError('It begins and ends with "/".');
  return value;
};
const portNumber = (value: string): number => {
  if (!/^\d+$/.test(value) || Number(value) > 65_535) throw new InvalidArgumentError('A number up to 65535.');
  return Number(value);
};

const {
  base,
  out,
  serve: stay,
  port,
} = new Command('npm run docs --')
  .description('Builds the site of the documentation: warnings, undocumented exports and dead links are failures.')
  .option('--base <path>', 'the path that the site is served under', basePath, '/')
  .option('--out <folder>', 'where the site goes', (folder) => resolve(folder), OUT)
  .option('--serve', 'serves the site when it is built')
  .option('--port <number>', 'of --serve', portNumber, 4173)
  .parse()
  .opts<Flags>();

try {
  const { pages, links } = await build({ base, out });
  console.log(`${pages} pages, ${links} links and anchors, all of them lead somewhere: ${out}`);
  if (stay) await serve({ base, out }, port);
} catch (error) {
  console.error(`docs: ${(error as Error).message}`);
  process.exitCode = 1;
}
