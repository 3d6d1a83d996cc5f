import { newTransactionId, transactionIdFor } from './transaction-id';

describe('newTransactionId', () => {
  it('is a UUID of version 7', () => {
    expect(newTransactionId()).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it('sorts by time', () => {
    const ids = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000].map((at) => newTransactionId(at));
    expect([...ids].sort()).toEqual(ids);
  });

  it('never repeats', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => newTransactionId(1))).size).toBe(1_000);
  });
});

describe('transactionIdFor', () => {
  it('is the same for the same caller and key only', () => {
    const id = transactionIdFor('ops', 'k1');
    expect(transactionIdFor('ops', 'k1')).toBe(id);
    expect(transactionIdFor('ops', 'k2')).not.toBe(id);
    expect(transactionIdFor('opsk', '1')).not.toBe(id);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/);
  });
});
