export function endWithOutput(name: string): void;
