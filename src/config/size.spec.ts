import { parseSize } from './size';

describe('parseSize', () => {
  it.each([
    ['0B', 0],
    ['100B', 100],
    ['512KiB', 524_288],
    ['16MiB', 16_777_216],
    ['1GiB', 1_073_741_824],
  ])('reads %j as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', '16', '16MB', '1.5MiB', '-1MiB', '16 MiB', 'MiB'])('refuses %j', (text) => {
    expect(() => parseSize(text)).toThrow(/is not a size/);
  });
});
