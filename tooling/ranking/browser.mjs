import { openBench } from '../../packages/auto/bench/chromium.mjs';
import { machine, samplesOf } from './measure.mjs';

/** The figures of pages in Chromium; kinds that are not named keep those that there are. */
export async function measureBrowser(kinds, kept) {
  const bench = await openBench();
  try {
    const time = (given) => bench.visit((inPage) => inPage(given));
    const rows = await samplesOf('Chromium', ['cpu', 'wasm', 'webgl', 'webgpu'], kinds, kept, time);
    const runtime = `Chromium ${bench.version.split('.')[0]}`;
    return { machine: machine(), runtime, renderer: await bench.renderer(), rows };
  } finally {
    await bench.close();
  }
}
