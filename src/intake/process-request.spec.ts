import { processRequestSchema } from './process-request';

const issuesOf = (request: unknown): string[] =>
  (processRequestSchema.safeParse(request).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );

describe('the request to process a message', () => {
  it.each([
    [{ type: 'orders', payload: { id: 1 } }],
    [{ type: 'orders', payload: null }],
    [{ type: 'orders', payload: 'text', transactionId: 'ä-1', headers: { 'x-tenant': 'a', n: 1, b: false } }],
    [{ type: 'orders', payload: {}, headers: { traceparent: '00-…' } }],
  ])('takes %j', (request) => {
    expect(issuesOf(request)).toEqual([]);
  });

  it.each([
    [{ payload: 1 }, 'type: '],
    [{ type: '', payload: 1 }, 'type: '],
    [{ type: 'orders' }, 'payload: '],
    [{ type: 'orders', payload: 1, queue: 'x' }, 'queue'],
    [{ type: 'orders', payload: 1, transactionId: '' }, 'transactionId: '],
    [{ type: 'orders', payload: 1, transactionId: 'a\nb' }, 'no control characters'],
    [{ type: 'orders', payload: 1, transactionId: 'a\0' }, 'no control characters'],
    [{ type: 'orders', payload: 1, transactionId: 'ä'.repeat(128) }, 'at most 255 bytes'],
    [{ type: 'orders', payload: 1, transactionId: 7 }, 'transactionId: '],
    [
      { type: 'orders', payload: 1, headers: { a: { '!': 'timestamp', value: 1 } } },
      'headers.a: expected a string',
    ],
    [{ type: 'orders', payload: 1, headers: { a: ['b'] } }, 'headers.a: '],
    [{ type: 'orders', payload: 1, headers: { a: null } }, 'headers.a: '],
    [{ type: 'orders', payload: 1, headers: { 'x-transaction-id': 'a' } }, 'in the field transactionId'],
    [{ type: 'orders', payload: 1, headers: { a: 'x'.repeat(20_000) } }, 'at most 16 KiB'],
    [{ type: 'orders', payload: 1, headers: { '': 'x' } }, 'a name of 1 to 255 bytes'],
  ])('refuses %j', (request, issue) => {
    expect(issuesOf(request).join('; ')).toContain(issue);
  });

  it.each([
    'x-death',
    'X-Death',
    'x-first-death-queue',
    'x-last-death-reason',
    'CC',
    'bcc',
    'x-delay',
    'x-match',
    'x-stream-offset',
    'x-retry-count',
    'x-delivery-count',
    'x-acquired-count',
    'holdfast-replay',
    'Holdfast-Anything',
    'constructor',
  ])('refuses the header %s', (name) => {
    expect(issuesOf({ type: 'orders', payload: 1, headers: { [name]: 'x' } }).join()).toContain('steers');
  });
});
