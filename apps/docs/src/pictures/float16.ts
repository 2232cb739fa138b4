/** A number as float16 keeps it: 11 bits, nothing above 65504, nothing below 2^-24. */
export function float16(x: number): number {
  const size = Math.abs(x);
  if (size === 0 || !Number.isFinite(x)) return x;
  const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(size))) - 10);
  const units = size / unit;
  const down = Math.floor(units);
  const up = units - down > 0.5 || (units - down === 0.5 && down % 2 === 1);
  const rounded = (down + Number(up)) * unit;
  return Math.sign(x) * (rounded > 65504 ? Infinity : rounded);
}
