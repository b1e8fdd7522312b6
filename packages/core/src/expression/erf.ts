// The error function in float64.
//
// Method: rational approximations on five intervals, as in fdlibm's s_erf.c (Sun Microsystems,
// 1993), which is the source of all coefficients; error below 1 ulp.

const ERX = 8.45062911510467529297e-01;
const SMALL_P = [1.28379167095512558561e-01, -3.25042107247001499370e-01,
  -2.84817495755985104766e-02, -5.77027029648944159157e-03, -2.37630166566501626084e-05];
const SMALL_Q = [1, 3.97917223959155352819e-01, 6.50222499887672944485e-02,
  5.08130628187576562776e-03, 1.32494738004321644526e-04, -3.96022827877536812320e-06];
const NEAR_P = [-2.36211856075265944077e-03, 4.14856118683748331666e-01,
  -3.72207876035701323847e-01, 3.18346619901161753674e-01, -1.10894694282396677476e-01,
  3.54783043256182359371e-02, -2.16637559486879084300e-03];
const NEAR_Q = [1, 1.06420880400844228286e-01, 5.40397917702171048937e-01,
  7.18286544141962662868e-02, 1.26171219808761642112e-01, 1.36370839120290507362e-02,
  1.19844998467991074170e-02];
const FAR_P = [-9.86494403484714822705e-03, -6.93858572707181764372e-01,
  -1.05586262253232909814e+01, -6.23753324503260060396e+01, -1.62396669462573470355e+02,
  -1.84605092906711035994e+02, -8.12874355063065934246e+01, -9.81432934416914548592e+00];
const FAR_Q = [1, 1.96512716674392571292e+01, 1.37657754143519042600e+02,
  4.34565877475229228821e+02, 6.45387271733267880336e+02, 4.29008140027567833386e+02,
  1.08635005541779435134e+02, 6.57024977031928170135e+00, -6.04244152148580987438e-02];
const TAIL_P = [-9.86494292470009928597e-03, -7.99283237680523006574e-01,
  -1.77579549177547519889e+01, -1.60636384855821916062e+02, -6.37566443368389627722e+02,
  -1.02509513161107724954e+03, -4.83519191608651397019e+02];
const TAIL_Q = [1, 3.03380607434824582924e+01, 3.25792512996573918826e+02,
  1.53672958608443695994e+03, 3.19985821950859553908e+03, 2.55305040643316442583e+03,
  4.74528541206955367215e+02, -2.24409524465858183362e+01];

/** `2/√π ∫₀ˣ exp(-t²) dt`. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 0.84375) return x + x * ratio(SMALL_P, SMALL_Q, x * x);
  if (a < 1.25) return Math.sign(x) * (ERX + ratio(NEAR_P, NEAR_Q, a - 1));
  if (a >= 6) return Math.sign(x);
  return Number.isNaN(x) ? x : Math.sign(x) * (1 - tail(a));
}

/** `1 - erf(x)`, without cancellation for large `x`. */
export function erfc(x: number): number {
  const a = Math.abs(x);
  if (a < 0.84375) {
    const y = ratio(SMALL_P, SMALL_Q, x * x);
    return x < 0.25 ? 1 - (x + x * y) : 0.5 - (x - 0.5 + x * y);
  }
  if (a < 1.25) {
    const y = ratio(NEAR_P, NEAR_Q, a - 1);
    return x > 0 ? 1 - ERX - y : 1 + (ERX + y);
  }
  if (Number.isNaN(x)) return x;
  if (a >= 28) return x > 0 ? 0 : 2;
  return x > 0 ? tail(a) : 2 - tail(a);
}

/** `erfc(a)` for `a ≥ 1.25`. The head of `a` has 24 bits, so that its square is exact. */
function tail(a: number): number {
  const s = 1 / (a * a);
  const r = a < 1 / 0.35 ? ratio(FAR_P, FAR_Q, s) : ratio(TAIL_P, TAIL_Q, s);
  const head = Math.fround(a);
  return Math.exp(-head * head - 0.5625) * Math.exp((head - a) * (head + a) + r) / a;
}

function ratio(p: readonly number[], q: readonly number[], x: number): number {
  return horner(p, x) / horner(q, x);
}

function horner(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i];
  return sum;
}
