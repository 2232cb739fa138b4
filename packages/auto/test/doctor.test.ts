import { describe, expect, it } from 'vitest';
import { main } from '../src/doctor/main.ts';
import type { SelectionReport } from '../src/index.ts';

async function doctor(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({ write: (text: string) => (written[name] += text) });
  const code = await main(argv, { stdout: stream('stdout'), stderr: stream('stderr') });
  return { code, ...written };
}

describe('npx @sgd/auto', () => {
  it('prints what is installed, and each engine with its reason', async () => {
    const { code, stdout, stderr } = await doctor('--no-timing');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Node v[\d.]+, \w+ \w+, /);
    expect(stdout).toMatch(/^installed: @sgd\/core [\d.]+, .*gpu\.js 2\.24\.1$/m);
    expect(stdout).toMatch(/^ {2}✓ wasm {2}chosen: /m);
    expect(stdout).toMatch(/^ {2}✓ tfjs {2}chosen: tfjs is on wasm/m);
    expect(stdout).toMatch(/^ {2}✓ onnxruntime:node /m);
    expect(stdout).toMatch(/^ {2}✗ gpujs:webgl2 {6}unusable: there is no WebGL 2 here$/m);
  });

  it('--json prints one object, with times of this machine', async () => {
    const { code, stdout } = await doctor('--json', '--gradients', 'host', '--elements', '1000');
    expect(code).toBe(0);
    const { node, packages, reports } = JSON.parse(stdout) as {
      node: string;
      packages: object;
      reports: SelectionReport[];
    };
    expect(node).toBe(process.version);
    expect(packages).toMatchObject({ 'gpu.js': '2.24.1', 'onnxruntime-node': '1.30.0' });
    expect(reports).toHaveLength(1);
    expect(reports[0]!.candidates[0]).toMatchObject({ name: 'wasm', measured: 'now' });
  });

  it.each([
    [['--gradients', 'device'], /--gradients: expected one of host, tfjs, onnxruntime, gpujs, got device/],
    [['--elements', '0'], /--elements: expected a whole number from 1 on, got 0/],
    [['--jsn'], /--jsn/],
  ])('%j: one line, and 2', async (argv, message) => {
    const { code, stdout, stderr } = await doctor(...argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('--help tells the flags', async () => {
    const { code, stdout } = await doctor('--help');
    expect(code).toBe(0);
    for (const flag of ['--gradients', '--elements', '--no-timing', '--json']) expect(stdout).toContain(flag);
  });
});
