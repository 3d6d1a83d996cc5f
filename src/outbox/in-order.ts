/** What became of the publications of one handled message. */
export interface Sent<Row> {
  /** The one that the broker did not take; those after it have not been tried. */
  readonly failed?: { readonly row: Row; readonly error: unknown };
  /** How many were confirmed. */
  readonly confirmed: number;
}

/**
 * The rule of a bundle: one after the other, each when the broker has confirmed the one before. The first that fails ends it; what follows
 * waits for it, because nobody may see a later one first.
 * @param publish throws when the broker has not taken it.
 * @param onConfirmed is not waited for.
 * @param mayBegin asked before each: false leaves it and the rest for later.
 */
export async function inOrder<Row>(
  rows: readonly Row[],
  publish: (row: Row) => Promise<void>,
  onConfirmed: (row: Row) => void,
  mayBegin: () => boolean,
): Promise<Sent<Row>> {
  let confirmed = 0;
  for (const row of rows) {
    if (!mayBegin()) break;
    try {
      await publish(row);
    } catch (error) {
      return { failed: { row, error }, confirmed };
    }
    confirmed++;
    onConfirmed(row);
  }
  return { confirmed };
}
