/** Side of the images that the network knows. */
export const SIDE = 28;
/** Side of the box into which the digit is fitted, as it was for the digits of MNIST. */
const BOX = 20;

/** Ink from 0 to 1, row by row. */
export interface Ink {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/**
 * Puts a drawing where the digits of MNIST are: fitted into 20 x 20 pixels with its proportions kept, its centre of mass in the
 * middle of 28 x 28. `null`: there is no ink.
 */
export function centred(ink: Ink): Float32Array | null {
  const bounds = boundsOf(ink);
  if (!bounds) return null;
  const { left, top, width, height } = bounds;
  const zoom = Math.max(width, height) / BOX;
  const fitted = new Float32Array(SIDE * SIDE);
  let mass = 0;
  let x = 0;
  let y = 0;
  const rows = Math.max(1, Math.round(height / zoom));
  const columns = Math.max(1, Math.round(width / zoom));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = mean(ink, left + column * zoom, top + row * zoom, zoom);
      fitted[row * SIDE + column] = value;
      mass += value;
      x += value * column;
      y += value * row;
    }
  }
  const middle = SIDE / 2 - 0.5;
  const right = within(Math.round(middle - x / mass), SIDE - columns);
  const down = within(Math.round(middle - y / mass), SIDE - rows);
  const moved = new Float32Array(SIDE * SIDE);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      moved[(row + down) * SIDE + column + right] = fitted[row * SIDE + column]!;
    }
  }
  return moved;
}

const within = (value: number, most: number): number => Math.max(0, Math.min(most, value));

function boundsOf({ width, height, values }: Ink) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let i = 0; i < values.length; i++) {
    if (values[i]! < 0.1) continue;
    const x = i % width;
    const y = Math.floor(i / width);
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Mean ink of a square. */
function mean({ width, height, values }: Ink, left: number, top: number, side: number): number {
  let sum = 0;
  let count = 0;
  for (let y = Math.floor(top); y < Math.max(top + side, Math.floor(top) + 1); y++) {
    for (let x = Math.floor(left); x < Math.max(left + side, Math.floor(left) + 1); x++) {
      if (x < width && y < height) sum += values[y * width + x]!;
      count++;
    }
  }
  return sum / count;
}
