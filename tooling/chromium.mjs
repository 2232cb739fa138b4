// The browser of tests, benches and the rehearsal of a release.
import { existsSync } from 'node:fs';

/** Where it is looked for: CHROME_PATH, or the usual places. CHROME_PATH= (empty) turns it off. */
export const chromiumPlaces = () => {
  const { CHROME_PATH } = process.env;
  return CHROME_PATH === undefined
    ? ['/usr/bin/chromium', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']
    : [CHROME_PATH];
};

/** Where it is; `undefined` where there is none. */
export const findChromium = () => chromiumPlaces().find((path) => path !== '' && existsSync(path));
