import * as fc from 'fast-check';
import { FrameSieve, type Grammar, type Verdict } from './sieve';

/** Frames of one byte that says what is to become of them, one that says how many follow, and those. */
class Frames implements Grammar {
  judged = 0;

  sizeAt(bytes: Buffer, at: number): number {
    return bytes.length - at < 2 ? 0 : 2 + bytes[at + 1]!;
  }

  judge(bytes: Buffer, at: number): Verdict {
    this.judged++;
    return verdicts[bytes[at]! % verdicts.length]!;
  }
}

const verdicts: readonly Verdict[] = ['forward', 'swallow', 'cut'];

const frame = (verdict: Verdict, length: number): Buffer =>
  Buffer.from([verdicts.indexOf(verdict), length, ...Array.from({ length }, (_, at) => at)]);

function sift(sieve: FrameSieve, chunks: readonly Buffer[]): { bytes: Buffer; isOpen: boolean } {
  const forwarded: Buffer[] = [];
  const isOpen = chunks.every((chunk) => sieve.sift(chunk, (bytes) => forwarded.push(bytes)));
  return { bytes: Buffer.concat(forwarded), isOpen };
}

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends
    .map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
    .filter(({ length }) => length > 0);
}

describe('a sieve of frames', () => {
  it('forwards the very chunk when there is nothing to take out', () => {
    const chunk = Buffer.concat([frame('forward', 3), frame('forward', 0)]);
    const forwarded: Buffer[] = [];
    new FrameSieve(new Frames()).sift(chunk, (bytes) => forwarded.push(bytes));
    expect(forwarded).toHaveLength(1);
    expect(forwarded[0]).toBe(chunk);
  });

  it('keeps no more than the beginning that it cannot judge, and hands it over at the end', () => {
    const sieve = new FrameSieve(new Frames());
    const whole = frame('forward', 4);
    expect(sift(sieve, [whole.subarray(0, 1)]).bytes).toEqual(Buffer.alloc(0));
    expect(sieve.rest()).toEqual(whole.subarray(0, 1));
    expect(sift(sieve, [whole.subarray(1, 3)]).bytes).toEqual(whole.subarray(0, 3));
    expect(sieve.rest()).toEqual(Buffer.alloc(0));
  });

  it('lets exactly the right bytes through, however the stream is cut into chunks', () => {
    const frames = fc.array(
      fc.tuple(fc.constantFrom<Verdict>('forward', 'forward', 'forward', 'swallow', 'cut'), fc.nat(60)),
    );
    fc.assert(
      fc.property(frames, fc.array(fc.nat()), (drawn, places) => {
        const stream = Buffer.concat(drawn.map(([verdict, length]) => frame(verdict, length)));
        const firstCut = drawn.findIndex(([verdict]) => verdict === 'cut');
        const before = firstCut < 0 ? drawn : drawn.slice(0, firstCut);
        const expected = before
          .filter(([verdict]) => verdict === 'forward')
          .map(([, length]) => frame('forward', length));
        const grammar = new Frames();
        expect(sift(new FrameSieve(grammar), cutAt(stream, places))).toEqual({
          bytes: Buffer.concat(expected),
          isOpen: firstCut < 0,
        });
        expect(grammar.judged).toBe(firstCut < 0 ? drawn.length : firstCut + 1);
      }),
    );
  });
});
