import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { formatTraceparent, parseTraceparent, traceIdOf } from './trace-context';

const hex = (length: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)) },
    { weight: 1, arbitrary: fc.constant('0'.repeat(length)) },
  );

describe('trace contexts', () => {
  it('are read as they are written', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
        fc.pre(!/^0+$/.test(traceId) && !/^0+$/.test(spanId));
        expect(parseTraceparent(formatTraceparent({ traceId, spanId, sampled }))).toEqual({
          traceId,
          spanId,
          sampled,
        });
      }),
    );
  });

  it('are valid, or none, whatever stands in the header', () => {
    const almost = fc
      .tuple(
        fc.constantFrom('00', '01', 'ff', '0', 'FF'),
        hex(32),
        hex(16),
        hex(2),
        fc.constantFrom('', '-', '-x', '\n', ' '),
      )
      .map(([version, trace, span, flags, more]) => `${version}-${trace}-${span}-${flags}${more}`);
    fc.assert(
      fc.property(fc.oneof(almost, anything()), (header) => {
        const value = typeof header === 'string' ? header : header.make();
        const context = parseTraceparent(value);
        if (context) {
          expect(context.traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
          expect(context.spanId).toMatch(/^(?!0+$)[0-9a-f]{16}$/);
          expect(value).toContain(`-${context.traceId}-${context.spanId}-`);
          expect(value).not.toMatch(/^ff|[\n ]/);
        }
        expect(traceIdOf({ traceparent: value })).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
      }),
      { numRuns: 300 },
    );
  });
});
