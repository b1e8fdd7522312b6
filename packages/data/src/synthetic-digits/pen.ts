// Drawing lines of varying width into a 28 × 28 image with a soft, anti-aliased edge.
import type { Segments } from "./skeleton.ts";

/** Width and height of a digit's image. */
export const imageSize = 28;

/** Half the pixels over which the ink fades at the edge of a stroke. */
const fade = 0.65;

/** For every pixel, the least distance of its centre from a line's edge: negative inside it. */
function edgeDistance({ values, count }: Segments, distance: Float64Array): void {
  distance.fill(fade);
  for (let at = 0; at < 6 * count; at += 6) {
    const [ax, ay, aRadius] = [values[at]!, values[at + 1]!, values[at + 2]!];
    const [bx, by, bRadius] = [values[at + 3]!, values[at + 4]!, values[at + 5]!];
    const dx = bx - ax;
    const dy = by - ay;
    const perLength = 1 / Math.max(dx * dx + dy * dy, 1e-12);
    const reach = Math.max(aRadius, bRadius) + fade;
    const firstX = Math.max(0, Math.floor(Math.min(ax, bx) - reach));
    const lastX = Math.min(imageSize - 1, Math.floor(Math.max(ax, bx) + reach));
    const firstY = Math.max(0, Math.floor(Math.min(ay, by) - reach));
    const lastY = Math.min(imageSize - 1, Math.floor(Math.max(ay, by) + reach));
    for (let y = firstY; y <= lastY; y++) {
      const py = y + 0.5 - ay;
      for (let x = firstX; x <= lastX; x++) {
        const px = x + 0.5 - ax;
        const t = Math.min(Math.max((px * dx + py * dy) * perLength, 0), 1);
        const ex = px - t * dx;
        const ey = py - t * dy;
        const square = ex * ex + ey * ey;
        if (square > reach * reach) continue;
        const away = Math.sqrt(square) - aRadius - t * (bRadius - aRadius);
        if (away < distance[y * imageSize + x]!) distance[y * imageSize + x] = away;
      }
    }
  }
}

/** A pen that draws segments in white into the black image that `pixels` has from `start`. */
export function createPen(): (segments: Segments, pixels: Uint8Array, start: number) => void {
  const distance = new Float64Array(imageSize * imageSize);
  return (segments, pixels, start) => {
    edgeDistance(segments, distance);
    for (let i = 0; i < distance.length; i++) {
      const away = distance[i]!;
      if (away >= fade) continue; // most pixels are black, and were
      const t = Math.min(0.5 - away / (2 * fade), 1);
      pixels[start + i] = Math.round(255 * t * t * (3 - 2 * t));
    }
  };
}
