import { formatTraceparent, parseTraceparent, traceIdOf } from './trace-context';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('parseTraceparent', () => {
  it.each([
    ['sampled', `00-${TRACE}-${SPAN}-01`, true],
    ['not sampled', `00-${TRACE}-${SPAN}-00`, false],
    ['flags that are not known yet', `00-${TRACE}-${SPAN}-03`, true],
    ['other flags only', `00-${TRACE}-${SPAN}-02`, false],
    ['a later version', `01-${TRACE}-${SPAN}-01`, true],
    ['a later version with more parts', `cc-${TRACE}-${SPAN}-01-what-comes-later`, true],
  ])('reads %s', (_, header, sampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['not a text', 42],
    ['a buffer', Buffer.from(`00-${TRACE}-${SPAN}-01`)],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['the forbidden version', `ff-${TRACE}-${SPAN}-01`],
    ['version 00 with more parts', `00-${TRACE}-${SPAN}-01-more`],
    ['a later version with a tail that is no part', `01-${TRACE}-${SPAN}-01more`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['a line break', `00-${TRACE}-${SPAN}-01\n`],
    ['blanks around it', ` 00-${TRACE}-${SPAN}-01`],
    ['flags of one digit', `00-${TRACE}-${SPAN}-1`],
  ])('refuses %s', (_, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});

describe('formatTraceparent', () => {
  it.each([true, false])('writes what parseTraceparent reads, sampled %s', (sampled) => {
    const context = { traceId: TRACE, spanId: SPAN, sampled };
    expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  });
});

describe('traceIdOf', () => {
  it('keeps the trace of the producer', () => {
    expect(traceIdOf({ traceparent: `00-${TRACE}-${SPAN}-01` })).toBe(TRACE);
  });

  it('makes a valid one of its own when the producer named none', () => {
    const made = traceIdOf({ traceparent: 'nonsense' });
    expect(parseTraceparent(`00-${made}-${SPAN}-00`)?.traceId).toBe(made);
    expect(traceIdOf({})).not.toBe(made);
  });
});
