// How durations, rates, sizes and ratios are written.

/** Three significant digits without an exponent. */
function digits(value) {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** Seconds as ns, µs, ms or s. */
export function duration(seconds) {
  const units = [["s", 1], ["ms", 1e-3], ["µs", 1e-6], ["ns", 1e-9]];
  const [name, unit] = units.find(([, size]) => seconds >= size * 0.9995) ?? units.at(-1);
  return `${digits(seconds / unit)} ${name}`;
}

export const gigaflops = (flops, seconds) => digits(flops / seconds / 1e9);

export const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

export const ratio = (value) => `${digits(value)}×`;
