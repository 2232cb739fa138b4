export function chromiumPlaces(): string[];
export function findChromium(): string | undefined;
