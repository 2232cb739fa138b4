import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { conformance, runSuite, strict } from '../src/index.ts';

// in a real browser, goldens included
conformance({ backend: cpu(), describe, it });
conformance({ backend: strict(cpu()), describe, it });

describe('in a browser', () => {
  it('the files are verified by their SHA-256, too', async () => {
    const report = await runSuite({ backend: cpu(), only: ['goldens'] });
    expect(report).toMatchObject({ failed: 0, passed: 11 });
  });
});
