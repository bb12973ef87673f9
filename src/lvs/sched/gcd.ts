// The greatest common divisor, for the schedulers that count in units of weight.

/** gcd of two integers ≥ 0; gcd(a, 0) = a. */
export function gcd(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y !== 0) {
    const rest = x % y;
    x = y;
    y = rest;
  }
  return x;
}
