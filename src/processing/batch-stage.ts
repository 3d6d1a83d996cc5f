import { Batches, Seat, type GroupTransaction } from '../grouping/grouping.module';
import { compose, type Middleware } from '../middleware/middleware.module';
import type { HandlerDefinition } from '../registration/registration.module';
import { BatchRun, type BatchRunParts } from './batch-run';
import type { DeliveryContext } from './delivery-context';
import { decideFailure, isContention } from './failure-policy';

export interface BatchStageParts extends Pick<BatchRunParts, 'outlets' | 'relay'> {
  readonly groups: GroupTransaction;
  /** How many batches may begin at once. */
  readonly lanes: number;
}

/** Where the messages of one handler become batches. */
export class BatchStage {
  private readonly batches: Batches<DeliveryContext>;

  /** @param inside the middleware between this stage and the handler. */
  constructor(
    handler: HandlerDefinition,
    size: number,
    inside: readonly Middleware[],
    parts: BatchStageParts,
  ) {
    const { groups, lanes, outlets, relay } = parts;
    const arrive = compose(inside, async (context) =>
      (context as DeliveryContext).batch?.arrive(context as DeliveryContext),
    );
    const steps = inside.length > 0 ? arrive : undefined;
    this.batches = new Batches({
      groups: handler.idempotency === 'off' ? undefined : groups,
      size,
      lanes,
      call: (members, transaction) => new BatchRun(members, transaction, { handler, steps, outlets, relay }),
      isContention,
      isNobodys: (error) => decideFailure(error, 1, handler).kind === 'release',
    });
  }

  async enter(context: DeliveryContext): Promise<void> {
    const end = await this.batches.runOnce(context, context.seat);
    if (end instanceof Seat) context.beginAnew(end);
    if (end.kind === 'failed') throw end.error;
    context.outcome = end;
  }
}
