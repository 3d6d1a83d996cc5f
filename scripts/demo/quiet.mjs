import { setTimeout as sleep } from 'node:timers/promises';

const ASK_EVERY_MS = 400;
/** Between two queues a message is in neither count for a moment. */
const QUIET_LOOKS = 4;

/**
 * Waits until nothing is under way: everything confirmed, no work queue, delay queue or outbox holds anything, no
 * handler runs. Returns what still waited when time was up, else nothing: `{ where: messages }`.
 */
export async function waitForQuiet({ stage, signal, timeoutMs }) {
  const deadline = Date.now() + timeoutMs;
  for (let quiet = 0; ;) {
    const waiting = await whatWaits(stage).catch((error) => ({ [`unknown (${error.message})`]: 1 }));
    quiet = Object.keys(waiting).length === 0 ? quiet + 1 : 0;
    if (quiet >= QUIET_LOOKS) return {};
    if (Date.now() > deadline) return waiting;
    await sleep(ASK_EVERY_MS, undefined, { signal });
  }
}

async function whatWaits({ producer, watch, service }) {
  const consumers = await (await service.ask('/api/v1/consumers')).json();
  const depths = await watch.depths();
  const all = {
    'the producer, unconfirmed': producer.unconfirmed,
    'the outbox': await watch.countOutbox(),
    ...Object.fromEntries(
      consumers.map(({ queue, inFlight, waiting }) => [`${queue}, in flight`, inFlight + waiting]),
    ),
    ...Object.fromEntries(Object.entries(depths).filter(([queue]) => !queue.endsWith('.dlq'))),
  };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}
