import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { InjectConfig, type IdempotencyConfig } from '../config/config.module';
import { classifySqlError, Database, Gatherer, TransactionLostError } from '../database/database.module';
import { backoffMs, type Outcome } from '../message/message.module';
import { judgeClaim, type InboxKey } from './claim';
import { Heartbeat } from './heartbeat';
import { ClaimTokens, LeaseLostError, type Lease } from './lease';
import { LeaseStore, type Claim, type FoundRow, type TakeOver } from './lease.store';

/** A row that changes under our eyes more often than this is somebody else's for now. */
const LOOKS = 3;
/** How long a delivery stands aside whose row is not clear. */
const ASIDE_MS = 1_000;
const LIMITS = { most: 200, isOfOneItem: isOfOneRow };

/** The attempt that a lease is for. */
export interface LeaseHolder {
  /** Aborted when the attempt is. */
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  throwIfAborted(): void;
  /** Counts the start of a message that a process may have died of, before it begins. @returns what becomes of it when it must not. */
  admitSuspect(): Promise<Outcome | undefined>;
}

/**
 * For effects outside the database. The row is claimed for a time, the handler runs without a transaction, and completion counts only
 * while the claim is still the latest: whoever lost it meanwhile is refused. A live lease of somebody else means later, never duplicate:
 * its holder may be the dead process that had this very delivery.
 */
@Injectable()
export class LeaseMode {
  private readonly logger = new Logger(LeaseMode.name);
  private readonly tokens = new ClaimTokens();
  private readonly claims: Gatherer<Claim, true | FoundRow | undefined>;
  private readonly looks: Gatherer<Pick<Claim, 'key'>, FoundRow | undefined>;
  private readonly takeOvers: Gatherer<TakeOver, boolean>;
  private readonly completions: Gatherer<Lease, true | FoundRow | undefined>;

  constructor(
    private readonly store: LeaseStore,
    private readonly heartbeat: Heartbeat,
    private readonly database: Database,
    @InjectConfig('idempotency') private readonly config: IdempotencyConfig,
  ) {
    this.claims = new Gatherer((rows) => store.claim(rows), LIMITS);
    this.looks = new Gatherer((rows) => store.look(rows), LIMITS);
    this.takeOvers = new Gatherer((rows) => store.takeOver(rows), LIMITS);
    this.completions = new Gatherer((rows) => store.complete(rows), LIMITS);
  }

  /**
   * @param handle runs only if this delivery has the lease; what it throws comes out as it was thrown, and leaves the row to whoever
   * records what follows from it.
   * @throws TransactionLostError the database went away before the message was claimed, or stayed away until the attempt was aborted.
   */
  async runOnce(
    key: InboxKey,
    holder: LeaseHolder,
    handle: (lease: Lease) => Promise<void>,
  ): Promise<Outcome> {
    const lease = await this.claim(key, holder);
    if ('kind' in lease) return lease;
    try {
      holder.throwIfAborted();
    } catch (error) {
      // While the claim was under way; nobody else will give it back.
      await this.giveBack(lease);
      throw error;
    }
    this.heartbeat.keep(lease);
    try {
      await handle(lease);
    } catch (error) {
      if (error instanceof LeaseLostError) return await this.judgeLoss(lease, error);
      throw error;
    } finally {
      this.heartbeat.letGo(lease);
    }
    return this.complete(lease, holder);
  }

  /** Lets the next delivery have it at once. Never throws: what is not given back runs out. */
  async giveBack(lease: Lease): Promise<void> {
    await this.store.giveBack(lease).catch((error: unknown) => {
      if (classifySqlError(error) !== 'lock-timeout') this.database.gate.reportFailure(error);
    });
  }

  private async claim(key: InboxKey, holder: LeaseHolder): Promise<Lease | Outcome> {
    const token = this.tokens.next();
    // What was copied before has a row, most likely.
    let insert = key.copyToken === undefined;
    for (let look = 0; look < LOOKS; look++) {
      // Earlier than the database's own reckoning, which begins when the statement runs.
      const askedAt = performance.now();
      const found = await ofInbox(insert ? this.claims.add({ key, token }) : this.looks.add({ key }));
      if (found === 'held') return { kind: 'defer', reason: 'twin-running', delayMs: ASIDE_MS };
      if (found === true) return this.leaseOf(key, token, 1, askedAt, holder);
      insert = found === undefined;
      if (!found) continue;
      const taken = await this.takeOver(found, key, token, holder);
      if (taken) return taken;
    }
    return { kind: 'defer', reason: 'busy', delayMs: ASIDE_MS };
  }

  /** @returns undefined when the row has changed since it was found. */
  private async takeOver(
    found: FoundRow,
    key: InboxKey,
    token: string,
    holder: LeaseHolder,
  ): Promise<Lease | Outcome | undefined> {
    const judged = judgeClaim(found, key);
    if (typeof judged !== 'string') return judged;
    if (judged === 'take-over') {
      const refused = await holder.admitSuspect();
      if (refused) return refused;
    }
    const askedAt = performance.now();
    const wanted: TakeOver = { key, token, version: found.version };
    const taken = await ofInbox(this.takeOvers.add(wanted));
    return taken === true ? this.leaseOf(key, token, found.version + 1, askedAt, holder) : undefined;
  }

  private leaseOf(
    key: InboxKey,
    token: string,
    version: number,
    askedAt: number,
    holder: LeaseHolder,
  ): Lease {
    return {
      key: { ...key, copyToken: token },
      token,
      version,
      until: askedAt + this.config.leaseMs,
      lose: (error) => {
        holder.abort(error);
      },
    };
  }

  /**
   * Insisted on for as long as the attempt lives, also beyond the lease: the handler has had its effect, and nobody else has the row while
   * its version is ours. Running the handler again only because its end could not be written would be the worse of the two.
   */
  private async complete(lease: Lease, holder: LeaseHolder): Promise<Outcome> {
    for (let failures = 1; ; failures++) {
      try {
        const found = await this.completions.add(lease);
        return found === true ? { kind: 'completed' } : this.judgeRefusal(lease, found);
      } catch (error) {
        await this.waitForDatabase(error, failures, holder);
      }
    }
  }

  /** @throws TransactionLostError when the attempt was aborted. */
  private async waitForDatabase(error: unknown, failures: number, { signal }: LeaseHolder): Promise<void> {
    const { gate } = this.database;
    const failure = classifySqlError(error);
    if (failure === 'statement') this.logger.error(`the inbox refused a completion: ${String(error)}`);
    else if (failure !== 'lock-timeout' && failure !== 'contention') gate.reportFailure(error);
    await gate.whenAvailable(signal);
    await sleep(backoffMs(failures, 50, 10_000), undefined, { signal }).catch(() => undefined);
    if (signal.aborted)
      throw new TransactionLostError('the handler returned, and its completion could not be written', {
        cause: error,
      });
  }
  /** The handler was ended. What becomes of the message is written in its row. */
  private async judgeLoss(lease: Lease, error: LeaseLostError): Promise<Outcome> {
    this.logger.warn(error.message);
    const found = await ofInbox(this.looks.add(lease));
    if (found === 'held') return LOST;
    if (found?.copy_token !== lease.token) return afterLoss(lease, found);
    // Nobody has taken it over: nobody need wait for a lease that nobody uses.
    await this.giveBack(lease);
    return LOST;
  }

  private judgeRefusal(lease: Lease, found: FoundRow | undefined): Outcome {
    const { key } = lease;
    this.logger.warn(
      `the completion of "${key.transactionId}" was refused: its lease had run out, and another process has taken it over (version ${String(found?.version ?? 'gone')}, not ${lease.version})`,
    );
    return afterLoss(lease, found);
  }
}

const LOST: Outcome = { kind: 'defer', reason: 'lease-lost', delayMs: ASIDE_MS };

/** Whatever the others have made of it; and where they have left it to whoever comes, this delivery has to come again to be the one. */
function afterLoss(lease: Lease, found: FoundRow | undefined): Outcome {
  const judged = judgeClaim(found, lease.key);
  return typeof judged === 'string' ? LOST : judged;
}

/** @returns `held` when a transactional twin has the row. @throws TransactionLostError for everything that is not the message's doing. */
async function ofInbox<Answer>(asked: Promise<Answer>): Promise<Answer | 'held'> {
  try {
    return await asked;
  } catch (error) {
    const failure = classifySqlError(error);
    if (failure === 'lock-timeout' || failure === 'contention') return 'held';
    throw new TransactionLostError(`the inbox could not be read or written: ${String(error)}`, {
      cause: error,
    });
  }
}

/** Text that Postgres refuses, a row that somebody holds, or two statements that wait for each other. */
function isOfOneRow(error: unknown): boolean {
  const failure = classifySqlError(error);
  return failure !== undefined && failure !== 'infrastructure';
}
