const PREFIX = /^HOLDFAST_/;

/** The known name a mistyped one was probably meant to be; undefined when nothing is close. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.replace(PREFIX, '');
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.replace(PREFIX, ''));
    if (!best || distance < best.distance) best = { name: candidate, distance };
  }
  const tolerated = Math.max(2, Math.floor(wanted.length / 3));
  return best && best.distance <= tolerated ? best.name : undefined;
}

/** Levenshtein: how many letters to add, drop or replace. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
