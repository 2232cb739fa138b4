/** Four significant digits, without trailing zeros; `–` for what is none. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const tiny = value !== 0 && Math.abs(value) < 1e-3; // as narrow as the others
  return tiny ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

/** `0.9482` as `94.8 %`. */
export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? '–' : `${(share * 100).toFixed(1)} %`;
}

/** `1234567` as `1,234,567`. */
export function whole(value: number): string {
  return value.toLocaleString('en-US');
}

const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact' });

/** `1234567` as `1.2M`. */
export function compact(value: number): string {
  return COMPACT.format(value);
}

/** `7.53` as `8 s`, `75.3` as `1 min 15 s`; nothing for what is not known. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '';
  const total = Math.ceil(seconds);
  return total < 60 ? `${total} s` : `${Math.floor(total / 60)} min ${total % 60} s`;
}
