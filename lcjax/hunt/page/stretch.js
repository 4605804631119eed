/** From pixels to grey levels: limits and stretches, cheap and safe for any pixels. */

/** @typedef {"zscale"|"minmax"|"99"|"95"} Limits */
/** @typedef {"linear"|"asinh"|"log"|"sqrt"} Stretch */

/**
 * Lowest and highest shown value; [0, 1] where no pixel is finite.
 * @param {Float32Array} pixels @param {Limits} limits @returns {[number, number]}
 */
export function range(pixels, limits) {
  const good = pixels.filter(Number.isFinite).sort();
  if (!good.length) return [0, 1];
  const quantile = (/** @type {number} */ share) => good[Math.min(good.length - 1, Math.max(0, Math.round(share * (good.length - 1))))];
  let low = good[0];
  let high = good[good.length - 1];
  if (limits === "99") [low, high] = [quantile(0.005), quantile(0.995)];
  if (limits === "95") [low, high] = [quantile(0.025), quantile(0.975)];
  if (limits === "zscale") [low, high] = zscale(good);
  return high > low ? [low, high] : [low, low + 1];
}

/**
 * The limits of IRAF's display: a line through the sorted pixels, its slope over the contrast 0.25.
 * @param {Float32Array} sorted @returns {[number, number]}
 */
function zscale(sorted) {
  const step = Math.max(1, Math.floor(sorted.length / 1000));
  const sample = sorted.filter((_, i) => i % step === 0);
  const n = sample.length;
  let keep = Array.from(sample, (value, i) => ({ i, value }));
  let slope = 0;
  for (let round = 0; round < 5 && keep.length > n / 2; round++) {
    const mean = (/** @type {(p: {i: number, value: number}) => number} */ of) => keep.reduce((sum, p) => sum + of(p), 0) / keep.length;
    const mi = mean((p) => p.i);
    const mv = mean((p) => p.value);
    const spread = keep.reduce((sum, p) => sum + (p.i - mi) ** 2, 0) || 1;
    slope = keep.reduce((sum, p) => sum + (p.i - mi) * (p.value - mv), 0) / spread;
    const away = (/** @type {{i: number, value: number}} */ p) => p.value - mv - slope * (p.i - mi);
    const sigma = Math.sqrt(mean((p) => away(p) ** 2));
    const kept = keep.filter((p) => Math.abs(away(p)) <= 2.5 * sigma);
    if (kept.length === keep.length) break;
    keep = kept;
  }
  const median = sample[Math.floor(n / 2)];
  const reach = (slope / 0.25) * (n / 2);
  return [Math.max(sample[0], median - reach), Math.min(sample[n - 1], median + reach)];
}

/** @param {number} t in [0, 1] @param {Stretch} stretch */
export function bend(t, stretch) {
  if (stretch === "asinh") return Math.asinh(10 * t) / Math.asinh(10);
  if (stretch === "log") return Math.log1p(1000 * t) / Math.log(1001);
  if (stretch === "sqrt") return Math.sqrt(t);
  return t;
}

/**
 * Grey levels; missing pixels are dark blue.
 * @param {Float32Array} pixels @param {number} width @param {number} height @param {Limits} limits @param {Stretch} stretch
 * @param {boolean} inverted
 */
export function image(pixels, width, height, limits, stretch, inverted) {
  const [low, high] = range(pixels, limits);
  const data = new ImageData(width, height);
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i];
    const to = 4 * i;
    data.data[to + 3] = 255;
    if (!Number.isFinite(value)) { data.data[to] = 20; data.data[to + 1] = 30; data.data[to + 2] = 70; continue; }
    const t = bend(Math.min(1, Math.max(0, (value - low) / (high - low))), stretch);
    const grey = Math.round(255 * (inverted ? 1 - t : t));
    data.data[to] = data.data[to + 1] = data.data[to + 2] = grey;
  }
  return data;
}
