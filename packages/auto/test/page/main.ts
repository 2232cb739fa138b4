import { cpuCandidate, gpujsCpuCandidate, selectFrom, SelectionError, wasmCandidate } from '@sgd/auto';

// what a page is told about the policy that it is under
const host = await selectFrom([wasmCandidate, cpuCandidate]);
const gpu = await selectFrom([gpujsCpuCandidate], { gradients: 'gpujs' }).catch((error: SelectionError) => error);
document.title = JSON.stringify([host.report, gpu.report]);
