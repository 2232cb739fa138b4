import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that the process holds, without garbage: how much of that there is depends on how busy the machine is. */
export async function held(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve)); // what is finalized gives back memory then
  }
  return process.memoryUsage().rss;
}
