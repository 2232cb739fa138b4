import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/controls.css';
import './style/results.css';
import { App } from './app.ts';

const worker = new Worker(new URL('./training/worker.ts', import.meta.url), { type: 'module' });
new App(worker);
