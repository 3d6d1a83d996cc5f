/** A label that wants to stand at a place. */
export interface Label {
  readonly x: number;
  readonly width: number;
  /** Higher comes first where not all have room. */
  readonly weight: number;
}

export interface PlacedLabel<T extends Label> {
  readonly label: T;
  /** Where it begins: its own place, or as far to the left of it as the edge demands. */
  readonly left: number;
  /** From 0, downwards. */
  readonly row: number;
}

/** As many labels as fit into the rows without touching; the others are left out. */
export function placeLabels<T extends Label>(
  labels: readonly T[],
  { right, rows, gap }: { readonly right: number; readonly rows: number; readonly gap: number },
): PlacedLabel<T>[] {
  const placed: PlacedLabel<T>[] = [];
  const inOrder = [...labels].sort((one, other) => other.weight - one.weight || one.x - other.x);
  for (const label of inOrder) {
    const left = Math.min(label.x, right - label.width);
    const isFree = (row: number): boolean =>
      placed.every(
        (other) =>
          other.row !== row ||
          other.left + other.label.width + gap <= left ||
          left + label.width + gap <= other.left,
      );
    const row = Array.from({ length: rows }, (_, index) => index).find(isFree);
    if (row !== undefined) placed.push({ label, left, row });
  }
  return placed;
}
