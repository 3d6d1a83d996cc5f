import { formatDuration, type Delivery, type Finding, type HoldfastEvents } from '../message/message.module';

type Delayed = HoldfastEvents['copy.delayed'];

/** A clock that stood still, as that of a suspended machine, makes one copy look early, never two in a row. */
const IN_A_ROW = 2;
/** A copy that has not come back by then has gone to another replica, and another one is watched. */
const PATIENCE = 2;
const PATIENCE_MS = 60_000;

interface Watched {
  readonly copyToken: string;
  readonly sentAt: number;
  readonly delayMs: number;
}

/**
 * What copies that come back tell of the tier they waited in, for want of a look at its policies. Both the sending and the
 * return are timed by the one clock of this process, so that only copies which it has sent itself count; one at a time of
 * each tier is watched. The broker says by what a copy left its tier.
 */
export class EarlyReturns {
  /** By tier; undefined once its copy is back and another may be watched. */
  private readonly watched = new Map<string, Watched | undefined>();
  private readonly early = new Map<string, { times: number; afterMs: number }>();
  private readonly pushedOut = new Set<string>();

  sent({ tier, delayMs, copyToken, sentAt }: Delayed): void {
    const current = this.watched.get(tier);
    const isStale = current && sentAt - current.sentAt > PATIENCE * current.delayMs + PATIENCE_MS;
    if (!current || isStale) this.watched.set(tier, { copyToken, sentAt, delayMs });
  }

  returned({ viaRetry, headers, copyToken, receivedAt }: Delivery): void {
    const death = viaRetry ? lastDeath(headers) : undefined;
    // A queue that nothing was sent to is none of our tiers, whatever a header says.
    if (!death || !this.watched.has(death.queue)) return;
    const { queue: tier, reason } = death;
    if (reason === 'maxlen') this.pushedOut.add(tier);
    const watched = this.watched.get(tier);
    if (!watched || watched.copyToken !== copyToken) return;
    this.watched.set(tier, undefined);
    const afterMs = receivedAt - watched.sentAt;
    if (reason === 'expired' && afterMs < watched.delayMs) {
      this.early.set(tier, { times: (this.early.get(tier)?.times ?? 0) + 1, afterMs });
    } else if (reason === 'expired') {
      this.early.delete(tier);
      this.pushedOut.delete(tier);
    }
  }

  findings(): Finding[] {
    const early = [...this.early].filter(([, { times }]) => times >= IN_A_ROW);
    return [
      ...early.map(([tier, { afterMs }]) =>
        finding(
          tier,
          'expires',
          'message-ttl',
          `copies come back before their delay is over, the last one after ${formatDuration(Math.round(afterMs))}`,
        ),
      ),
      ...[...this.pushedOut].map((tier) =>
        finding(
          tier,
          'drops',
          'max-length',
          'copies are pushed out before their delay is over, and are lost when that fails',
        ),
      ),
    ];
  }
}

function finding(object: string, kind: Finding['kind'], key: string, effect: string): Finding {
  const mend = `find the policy that lays ${key} over it: rabbitmqctl list_policies; HOLDFAST_MANAGEMENT_URL names it`;
  return { object, kind, policy: null, key, value: null, effect, mend };
}

/** The newest entry comes first; it is the broker's own, because copies are sent without. */
function lastDeath(headers: Delivery['headers']): { queue: string; reason: string } | undefined {
  const deaths: unknown = headers['x-death'];
  const death: unknown = Array.isArray(deaths) ? deaths[0] : undefined;
  if (typeof death !== 'object' || death === null || !('queue' in death) || !('reason' in death))
    return undefined;
  const { queue, reason } = death;
  return typeof queue === 'string' && typeof reason === 'string' ? { queue, reason } : undefined;
}
