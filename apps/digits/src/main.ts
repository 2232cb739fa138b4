#!/usr/bin/env node
import { endWithOutput } from '../../../tooling/output.mjs';
import { run } from './app.ts';

endWithOutput('digits');
process.exitCode = await run(process.argv.slice(2), process);
