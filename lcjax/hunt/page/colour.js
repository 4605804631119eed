/** A picture in colour of what an alert brings: the templates of several bands, or what is new and what has gone over the template. */

import { bend, range } from "./stretch.js";

/** @typedef {{width: number, height: number, world: number[]|null, pixels: Float32Array}} Plane */
/** @typedef {"colour"|"change"|"none"} Picture */

const BANDS = "ugcroizy";  // from blue to red
const NOISE = [3, 12];  // sigmas of the difference where its colour begins, and where it is full
const ORANGE = [1, 0.55, 0.05];
const BLUE = [0.25, 0.55, 1];

/** @param {string} band */
const redness = (band) => { const at = BANDS.indexOf(band); return at < 0 ? BANDS.length : at; };

/**
 * Templates in several bands on the pixels of the first: blue, green and red of the picture are the bluest, the middle and the reddest.
 * Each is scaled by its own limits, so colours compare sources of one picture and are no magnitudes.
 * @param {[string, Plane][]} planes band and image, the first is the grid @param {import("./stretch.js").Limits} limits
 * @param {import("./stretch.js").Stretch} stretch
 */
export function colourImage(planes, limits, stretch) {
  const grid = planes[0][1];
  const sorted = [...planes].sort(([a], [b]) => redness(a) - redness(b)).map(([, plane]) => levels(regridded(plane, grid), limits));
  const middle = sorted.length > 2 ? [sorted[sorted.length >> 1]] : sorted;
  const parts = [[sorted[sorted.length - 1]], middle, [sorted[0]]];
  return painted(grid, (i) => {
    const light = parts.map((planesOf) => planesOf.reduce((sum, plane) => sum + plane[i], 0) / planesOf.length);
    const mean = (light[0] + light[1] + light[2]) / 3;
    if (!Number.isFinite(mean)) return null;
    const bright = mean > 0 ? bend(Math.min(1, mean), stretch) / mean : 0;  // the sum is bent, so that hues stay (Lupton et al. 2004)
    const scaled = light.map((value) => value * bright);
    const most = Math.max(1, ...scaled);
    return scaled.map((value) => value / most);
  });
}

/**
 * The template in grey; over it orange where the difference is brighter than its noise, blue where it is fainter.
 * @param {Plane} template @param {Plane} difference @param {import("./stretch.js").Limits} limits @param {import("./stretch.js").Stretch} stretch
 */
export function changeImage(template, difference, limits, stretch) {
  const grey = levels(template.pixels, limits);
  const change = significance(regridded(difference, template));
  const [low, high] = NOISE;
  return painted(template, (i) => {
    const here = Number.isFinite(change[i]) ? change[i] : 0;
    if (!Number.isFinite(grey[i]) && !Number.isFinite(change[i])) return null;
    const base = 0.8 * bend(Number.isFinite(grey[i]) ? grey[i] : 0, stretch);
    const share = Math.min(1, Math.max(0, (Math.abs(here) - low) / (high - low)));
    return (here > 0 ? ORANGE : BLUE).map((full) => base * (1 - share) + full * share);
  });
}

/** Pixels over the noise of the image, by its median and median absolute deviation. @param {Float32Array} pixels */
function significance(pixels) {
  const middle = (/** @type {Float32Array} */ values) => { const good = values.filter(Number.isFinite).sort(); return good.length ? good[good.length >> 1] : NaN; };
  const median = middle(pixels);
  const sigma = 1.4826 * middle(pixels.map((value) => Math.abs(value - median)));
  return pixels.map((value) => (sigma > 0 ? (value - median) / sigma : value === median ? 0 : NaN));
}

/** From 0 to 1 between the limits; NaN where missing. @param {Float32Array} pixels @param {import("./stretch.js").Limits} limits */
function levels(pixels, limits) {
  const [low, high] = range(pixels, limits);
  return pixels.map((value) => (Number.isFinite(value) ? Math.min(1, Math.max(0, (value - low) / (high - low))) : NaN));
}

/**
 * A plane on the pixels of another, by where both say they are on the sky (flat, which a cutout is), or middle upon middle.
 * @param {Plane} plane @param {Plane} grid
 */
function regridded(plane, grid) {
  const at = between(grid, plane);
  const found = new Float32Array(grid.width * grid.height);
  for (let y = 0; y < grid.height; y++) for (let x = 0; x < grid.width; x++) {
    const [u, v] = at(x, y).map(Math.round);
    found[y * grid.width + x] = u >= 0 && v >= 0 && u < plane.width && v < plane.height ? plane.pixels[v * plane.width + u] : NaN;
  }
  return found;
}

/** Pixel of one plane -> pixel of the other. @param {Plane} from @param {Plane} to @returns {(x: number, y: number) => number[]} */
function between(from, to) {
  if (!from.world || !to.world) return (x, y) => [x + (to.width - from.width) / 2, y + (to.height - from.height) / 2];
  const [x0, y0, ra0, dec0, a, b, c, d] = from.world;
  const [u0, v0, ra1, dec1, e, f, g, h] = to.world;
  const area = e * h - f * g;
  const east = ((((ra0 - ra1 + 540) % 360) - 180) * Math.cos((dec1 * Math.PI) / 180));
  const north = dec0 - dec1;
  return (x, y) => {
    const [p, q] = [east + a * (x - x0) + b * (y - y0), north + c * (x - x0) + d * (y - y0)];
    return [u0 + (h * p - f * q) / area, v0 + (e * q - g * p) / area];
  };
}

/** @param {Plane} grid @param {(i: number) => number[]|null} colour of a pixel, each 0 to 1; null: missing */
function painted(grid, colour) {
  const data = new ImageData(grid.width, grid.height);
  for (let i = 0; i < grid.width * grid.height; i++) {
    const [red, green, blue] = colour(i) || [20 / 255, 30 / 255, 70 / 255];
    data.data.set([255 * red, 255 * green, 255 * blue, 255], 4 * i);
  }
  return data;
}
