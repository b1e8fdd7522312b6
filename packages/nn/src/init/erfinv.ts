// The inverse of the error function.

/** Coefficients of a rational function, lowest power first. */
type Rational = readonly [numerator: readonly number[], denominator: readonly number[]];

// Wichura (1988), Algorithm AS 241 (PPND16), https://doi.org/10.2307/2347330.
const central: Rational = [
  [3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
    45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727],
  [1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867,
    39307.89580009271061, 28729.085735721942674, 5226.495278852854561],
];
const middle: Rational = [
  [1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
    1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833,
    7.7454501427834140764e-4],
  [1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455,
    0.14810397642748007459, 0.0151986665636164571966, 5.475938084995344946e-4,
    1.05075007164441684324e-9],
];
const far: Rational = [
  [6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123,
    0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5,
    2.01033439929228813265e-7],
  [1, 0.59983220655588793769, 0.1369298809227358053, 0.0148753612908506148525,
    7.868691311456132591e-4, 1.8463183175100546818e-5, 1.4215117583164458887e-7,
    2.04426310338993978564e-15],
];

function ratio([numerator, denominator]: Rational, x: number): number {
  const polynomial = (coefficients: readonly number[]) =>
    coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
  return polynomial(numerator) / polynomial(denominator);
}

/**
 * The `x` with `erf(x) = y`; infinite at ±1, NaN beyond.
 *
 * Method: the normal quantile of probability `(1 + y)/2` over √2, from rational approximations in
 * the middle and in the square root of the logarithm of the tail; relative error below 1e-15 where
 * `1 - |y|` is exact.
 */
export function erfinv(y: number): number {
  const distance = Math.abs(y);
  if (!(distance < 1)) return distance === 1 ? y * Infinity : NaN;
  if (distance <= 0.85) {
    const half = y / 2;
    return half * ratio(central, 0.180625 - half * half) * Math.SQRT1_2;
  }
  const root = Math.sqrt(-Math.log((1 - distance) / 2));
  const tail = root <= 5 ? ratio(middle, root - 1.6) : ratio(far, root - 5);
  return Math.sign(y) * tail * Math.SQRT1_2;
}
