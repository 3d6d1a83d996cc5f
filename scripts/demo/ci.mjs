import { setTimeout as sleep } from 'node:timers/promises';
import { settleAccount, wordAccount } from './account.mjs';
import { waitForQuiet } from './quiet.mjs';
import { QUEUES } from './watch.mjs';

const SECOND = 1_000;
const TRAFFIC_MS = 32 * SECOND;
/** A dead process's outbox is taken over after 10 s, and the last bug is dead after three delays of 16 s together. */
const QUIET_WITHIN_MS = 60 * SECOND;
const LOOK_EVERY_MS = SECOND;

/** When what breaks. The kill comes early enough for what it leaves behind to be found again without waiting for it. */
const SCHEDULE = [
  [3, ({ poison }) => poison()],
  [5, ({ breakDownstream }) => breakDownstream(6 * SECOND)],
  [12, ({ kill }) => kill()],
  [18, ({ cut }) => cut()],
  [22, ({ databaseAway }) => databaseAway(4 * SECOND)],
];

/** The story without a person, and its account: 0 if every order came to exactly one end, else 1. */
export async function runCi({ stage, screen, snapshots, goodbye, startedAt }) {
  await causeTrouble({ stage, screen, snapshots, signal: goodbye.signal });
  screen.say('no more orders; waiting until everything has come to its end');
  const waiting = await waitForQuiet({ stage, signal: goodbye.signal, timeoutMs: QUIET_WITHIN_MS });
  const last = await snapshots.take();
  screen.show(last);
  screen.end();

  const account = settleAccount(await evidence(stage, waiting));
  const seconds = ((performance.now() - startedAt) / SECOND).toFixed(1);
  console.log(`\n${wordAccount(account)}\n\n${wordRest(stage, last)}`);
  console.log(
    account.passed
      ? `PASS in ${seconds} s: every order came to exactly one end`
      : `FAIL after ${seconds} s; the service's log: ${stage.service.logPath}`,
  );
  return account.passed ? 0 : 1;
}

async function causeTrouble({ stage, screen, snapshots, signal }) {
  const { faults, producer } = stage;
  const actions = {
    poison: () => faults.poison(),
    breakDownstream: (ms) => faults.breakDownstream(ms),
    kill: () => faults.killService(),
    cut: () => faults.cutBroker(),
    databaseAway: (ms) => faults.databaseAway(ms),
  };
  const startedAt = performance.now();
  const schedule = [...SCHEDULE];
  for (;;) {
    const elapsed = performance.now() - startedAt;
    if (elapsed > TRAFFIC_MS) break;
    while (schedule.length > 0 && elapsed > schedule[0][0] * SECOND) await schedule.shift()[1](actions);
    screen.show(await snapshots.take());
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
  producer.stop();
}

async function evidence({ ledger, watch, paymentServer }, waiting) {
  const letters = await Promise.all(QUEUES.map((queue) => watch.readDeadLetters(queue)));
  return {
    sent: ledger.entries(),
    effects: await watch.readEffects(),
    deadLetters: Object.fromEntries(QUEUES.map((queue, index) => [queue, letters[index]])),
    waiting,
    charged: paymentServer.books.charged,
  };
}

function wordRest({ ledger, paymentServer }, { consumers }) {
  const { total, bug, malformed, repetition } = ledger.counts;
  const { charged, repeated, refused } = paymentServer.books;
  const retried = Object.values(consumers).reduce((sum, one) => sum + one.retried, 0);
  return [
    `${total} messages confirmed: ${bug} met the bug, ${malformed} malformed, ${repetition} sent a second time`,
    `${retried} tries put off to later; the payment service refused ${refused} times, charged ${charged.length} orders, recognised ${repeated} repetitions`,
  ].join('\n');
}
