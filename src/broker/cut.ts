/** Cuts at a character boundary, so that what is left is valid UTF-8 of at most `bytes` bytes. */
export function cut<Text extends string | undefined>(value: Text, bytes: number): Text | string {
  if (value === undefined) return value;
  const buffer = Buffer.from(value, 'utf8');
  if (buffer.length <= bytes) return value;
  let end = bytes - 3;
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${buffer.toString('utf8', 0, end)}…`;
}
