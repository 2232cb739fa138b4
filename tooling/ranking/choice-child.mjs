// One case of `npm run ranking:check` in Node: `-- GRADIENTS JSON`, of the workload. Prints the reports as JSON.
import { selectBackend } from '../../packages/auto/dist/index.js';
import { reportsOf } from './choice.mjs';

const [gradients, workload] = process.argv.slice(2);
const time = async (given) => {
  const { report } = await selectBackend({ ...given, benchmark: { milliseconds: given.milliseconds } });
  return report;
};
process.stdout.write(JSON.stringify(await reportsOf(time, { gradients, workload: JSON.parse(workload) })));
process.exit(); // threads of an engine may still wait
