// In the place of engines that only Node has: see vite.config.ts.
export {};
