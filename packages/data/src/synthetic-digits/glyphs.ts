// Skeletons of the ten digits, as the pen moves: the only description of their shapes.

/** A smooth curve through points: x0, y0, x1, y1, … in a 100 × 100 box, y downwards. */
export type Curve = readonly number[];

/** One way to write a digit: curves, and how often people write it so. */
export interface Glyph {
  weight: number;
  curves: readonly Curve[];
}

/**
 * Reads `x y, x y, … > x y, … ; x y, …`: points of a smooth curve; `>` turns a corner, so that the
 * next curve starts at the last point; `;` lifts the pen.
 */
function glyph(weight: number, path: string): Glyph {
  const curves = path.split(";").flatMap((stroke) => {
    const pieces = stroke.split(">").map((piece) => piece.trim().split(/[\s,]+/).map(Number));
    return pieces.map((piece, i) => (i === 0 ? piece : [...pieces[i - 1]!.slice(-2), ...piece]));
  });
  return { weight, curves };
}

/** For each digit, the ways to write it. */
export const glyphs: readonly (readonly Glyph[])[] = [
  [
    glyph(3, "56 5, 28 14, 14 48, 26 86, 52 95, 78 84, 88 48, 74 14, 50 4"),
    glyph(1, "70 12, 40 6, 18 34, 16 70, 44 96, 74 84, 86 48, 76 16, 54 14"),
  ],
  [
    glyph(4, "51 4, 50 50, 49 96"),
    glyph(2, "30 24, 44 14, 54 4 > 53 50, 52 96"),
    glyph(1, "30 24, 42 15, 52 5 > 51 50, 51 94 ; 24 95, 50 94, 76 95"),
  ],
  [
    glyph(3, "18 26, 32 8, 58 5, 76 22, 66 48, 40 74, 16 93 > 48 90, 86 93"),
    glyph(2, "18 24, 42 5, 70 13, 72 38, 48 70, 24 92, 12 82, 26 74, 54 88, 90 90"),
    glyph(1, "20 12, 50 5, 74 20, 64 50, 18 92 > 82 92"),
  ],
  [
    glyph(3, "20 15, 44 5, 70 16, 66 38, 40 47 > 70 52, 82 72, 64 93, 36 95, 14 84"),
    glyph(1, "20 8, 48 8, 76 8 > 58 26, 42 43 > 72 50, 80 74, 56 95, 18 87"),
    glyph(1, "22 16, 50 4, 70 22, 54 44, 44 47, 58 50, 78 68, 58 94, 16 88"),
  ],
  [
    glyph(2, "27 10, 18 34, 20 54, 46 58, 82 50 ; 72 8, 70 50, 64 96"),
    glyph(1, "30 6, 24 30, 16 54 > 50 54, 86 52 ; 66 26, 66 60, 64 96"),
    glyph(1, "66 5, 40 34, 12 64 > 50 64, 90 62 ; 66 5, 66 50, 65 96"),
  ],
  [
    glyph(2, "32 10, 28 28, 26 45 > 50 38, 76 50, 78 78, 50 95, 15 88 ; 32 9, 56 9, 82 6"),
    glyph(2, "80 7, 56 9, 34 8 > 28 26, 22 46 > 48 38, 74 52, 72 82, 44 96, 14 86"),
    glyph(1, "78 8, 44 10, 30 30, 42 46, 68 58, 70 82, 44 95, 16 88"),
  ],
  [
    glyph(2, "66 4, 38 26, 18 62, 28 91, 54 95, 76 78, 68 56, 44 54, 22 72"),
    glyph(1, "54 4, 30 36, 20 72, 38 95, 68 90, 74 68, 52 56, 26 70"),
    glyph(1, "80 10, 48 12, 20 46, 18 82, 48 96, 78 82, 74 58, 46 50, 20 66"),
  ],
  [
    glyph(4, "15 12, 50 11, 84 10 > 62 48, 44 95"),
    glyph(1, "15 12, 50 11, 84 10 > 64 48, 42 95 ; 34 52, 56 50, 80 49"),
    glyph(1, "14 26, 18 10 > 50 12, 84 9 > 68 38, 56 66, 52 96"),
  ],
  [
    glyph(
      3,
      `72 20, 52 5, 28 16, 34 38, 54 48, 76 64, 74 88,
       48 96, 24 84, 30 62, 52 46, 72 32, 74 16`,
    ),
    glyph(
      1,
      `50 5, 28 14, 29 38, 50 46, 72 38, 72 14, 48 5 ;
       50 46, 24 58, 20 84, 50 96, 80 84, 76 58, 48 46`,
    ),
  ],
  [
    glyph(2, "74 20, 54 5, 28 16, 24 40, 46 52, 68 40, 75 18 > 73 56, 64 96"),
    glyph(1, "72 24, 50 5, 25 22, 30 48, 56 48, 74 18 > 78 56, 66 88, 32 92"),
    glyph(1, "70 10, 36 8, 20 34, 44 52, 70 34, 72 10 > 66 50, 50 96"),
  ],
];
