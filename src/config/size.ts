const UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
const PATTERN = /^(\d+)(B|KiB|MiB|GiB)$/;

/**
 * Bytes of a size like `'512KiB'` or `'16MiB'`.
 * @throws RangeError naming the value, when it is not a size.
 */
export function parseSize(text: string): number {
  const match = PATTERN.exec(text);
  if (!match) {
    throw new RangeError(
      `${JSON.stringify(text)} is not a size: write a whole number with a unit, like "512KiB" or "16MiB"`,
    );
  }
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}
