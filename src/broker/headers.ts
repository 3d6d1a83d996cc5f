/** Every header Holdfast writes. Public: dashboards, replay tools and other services read them. */
export const HEADER = {
  /** Failed tries so far. */
  retryCount: 'x-retry-count',
  copyToken: 'holdfast-copy-token',
  /** When the next try is due: ISO 8601, UTC. For readers; the broker's TTLs decide. */
  dueAt: 'holdfast-due-at',
  /** Milliseconds that remain after this hop of a long delay. */
  delayLeft: 'holdfast-delay-left',
  reason: 'holdfast-reason',
  error: 'holdfast-error',
  stack: 'holdfast-stack',
  firstFailedAt: 'holdfast-first-failed-at',
  lastFailedAt: 'holdfast-last-failed-at',
  handler: 'holdfast-handler',
  originExchange: 'holdfast-origin-exchange',
  originRoutingKey: 'holdfast-origin-routing-key',
  originProperties: 'holdfast-origin-properties',
  replay: 'holdfast-replay',
  transactionId: 'x-transaction-id',
} as const;

/**
 * Headers that are the broker's or would steer it: never copied to a retry or dead-letter copy. `CC` and `BCC` would send
 * the copy elsewhere as well; an `x-death` that names the target makes RabbitMQ up to 3.13 drop the copy as a cycle.
 */
export function isBrokerHeader(name: string): boolean {
  return (
    name === 'CC' ||
    name === 'BCC' ||
    name === 'x-delivery-count' ||
    name === 'x-acquired-count' ||
    name === 'x-death' ||
    name.startsWith('x-first-death-') ||
    name.startsWith('x-last-death-')
  );
}
