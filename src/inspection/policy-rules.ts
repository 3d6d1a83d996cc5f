import { formatDuration, type Finding, type FindingKind } from '../message/message.module';
import type { ExchangeRole, InspectedExchange, InspectedQueue, QueueRole } from './inspected';
import {
  settingsInForce,
  type InForce,
  type Policy,
  type PolicyValue,
  type QueueFacts,
  type SettingsInForce,
} from './settings-in-force';

/** What lies in a queue of each role. */
const THING: Readonly<Record<QueueRole, string>> = {
  work: 'a message',
  'dead-letters': 'a dead letter',
  delay: 'a copy',
  unroutable: 'a copy that missed its queue',
};

/** What a full queue of each role holds up. */
const HELD_UP: Readonly<Record<QueueRole, string>> = {
  work: 'producers are refused (or lose the message, where they await no confirm), and copies that come back stay in their delay tier',
  'dead-letters': 'messages that failed for good stay unacknowledged and keep their places in the consumer',
  delay: 'messages that failed stay unacknowledged and keep their places in the consumer',
  unroutable: 'copies whose queue is gone stay in their delay tier',
};

/** What a missing binding leads to, instead of the message coming back to us. */
const INSTEAD_OF_RETURN = 'counts as delivered, instead of coming back so that its queue is declared again';
const ASTRAY: Readonly<Record<Exclude<ExchangeRole, 'application' | 'due'>, string>> = {
  'dead-letters': `a dead letter whose queue is gone ${INSTEAD_OF_RETURN}`,
  delay: `a copy whose delay tier is gone ${INSTEAD_OF_RETURN}`,
  unroutable: `a copy that missed its queue ${INSTEAD_OF_RETURN}`,
};

/** Everything that policies, and for a delivery limit the broker's default, do to the messages of a queue. */
export function judgeQueue(queue: InspectedQueue, facts: QueueFacts): Finding[] {
  if (facts.type !== 'quorum' && facts.type !== 'classic') return [];
  const settings = settingsInForce(facts);
  return [
    judgeTtl(queue, settings),
    judgeLength(queue, settings, 'max-length', settings.maxLength),
    judgeLength(queue, settings, 'max-length-bytes', settings.maxLengthBytes),
    judgeExpires(queue, settings),
    judgeOverflow(queue, settings),
    judgeDeliveryLimit(queue, settings),
    judgeExit(queue, settings),
  ].filter((finding) => finding !== undefined);
}

/** @param alternate what its policy says of an alternate exchange. An argument would count before it; only the due exchange has one. */
export function judgeExchange(
  { name, role }: InspectedExchange,
  alternate: PolicyValue | undefined,
): Finding[] {
  if (!alternate || role === 'due' || role === 'application') return [];
  const { value, policy } = alternate;
  const effect = `${ASTRAY[role]}; it goes to exchange "${String(value)}"`;
  return [byPolicy(name, 'reroutes', 'alternate-exchange', { value, policy }, effect)];
}

function judgeTtl(queue: InspectedQueue, settings: SettingsInForce): Finding | undefined {
  const ttl = settings.messageTtl;
  if (!isByPolicy(ttl)) return undefined;
  const after = formatDuration(ttl.value);
  if (queue.role === 'delay') {
    if (ttl.value >= (queue.delayMs ?? 0)) return undefined;
    const effect = `copies come back after ${after}, before their delay is over`;
    return byPolicy(queue.name, 'expires', 'message-ttl', ttl, effect);
  }
  const unhandled = queue.role === 'work' ? ', unhandled' : '';
  const effect = `${THING[queue.role]} that has waited for ${after} ${fateOf(queue, settings)}${unhandled}`;
  return byPolicy(queue.name, 'expires', 'message-ttl', ttl, effect);
}

function judgeLength(
  queue: InspectedQueue,
  settings: SettingsInForce,
  key: 'max-length' | 'max-length-bytes',
  limit: InForce<number> | undefined,
): Finding | undefined {
  if (!limit) return undefined;
  const { overflow, dropsOldest } = settings;
  const beyond = `beyond ${limit.value} ${key === 'max-length' ? 'messages' : 'bytes'}`;
  if (!dropsOldest) {
    if (!isByPolicy(limit)) return undefined;
    const effect = `${beyond} the broker takes no more: ${HELD_UP[queue.role]}`;
    return byPolicy(queue.name, 'refuses', key, limit, effect);
  }
  const fate =
    queue.role === 'delay'
      ? 'comes back before its delay is over, and is lost when that fails'
      : fateOf(queue, settings);
  const effect = `${beyond} the oldest is pushed out: ${THING[queue.role]} ${fate}`;
  if (isByPolicy(limit)) return byPolicy(queue.name, 'drops', key, limit, effect);
  return isByPolicy(overflow) ? byPolicy(queue.name, 'drops', 'overflow', overflow, effect) : undefined;
}

function judgeExpires({ name, role }: InspectedQueue, { expires }: SettingsInForce): Finding | undefined {
  if (!isByPolicy(expires)) return undefined;
  const unused = formatDuration(expires.value);
  const effect =
    role === 'work'
      ? `a pause or an outage of ${unused} is enough for the broker to delete the queue and everything in it`
      : `nobody consumes this queue: after ${unused} the broker deletes it and everything in it`;
  return byPolicy(name, 'deletes', 'expires', expires, effect);
}

/** Only `reject-publish` lets a quorum queue dead-letter at least once. */
function judgeOverflow(queue: InspectedQueue, settings: SettingsInForce): Finding | undefined {
  const { overflow, dropsOldest, deadLetterStrategy } = settings;
  if (!isByPolicy(overflow) || !dropsOldest) return undefined;
  if (deadLetterStrategy?.value !== 'at-least-once') return undefined;
  const effect = `what leaves this queue for another is moved at most once: ${THING[queue.role]} is lost when its target is missing or away`;
  return byPolicy(queue.name, 'weakens', 'overflow', overflow, effect);
}

function judgeDeliveryLimit(queue: InspectedQueue, settings: SettingsInForce): Finding | undefined {
  const { deliveryLimit: limit, deadLetterExchange: exit } = settings;
  if (!limit || queue.role === 'delay') return undefined;
  if (queue.role !== 'work') {
    if (!isByPolicy(limit)) return undefined;
    const effect = `${THING[queue.role]} that is looked at (get and requeue) more than ${Math.max(limit.value, 0)} times ${fateOf(queue, settings)}`;
    return byPolicy(queue.name, exit ? 'reroutes' : 'drops', 'delivery-limit', limit, effect);
  }
  const counted =
    'deliveries count that a pause, a restart or a lost connection gave back, and those of its neighbours';
  const effect = `a message that comes back more than ${Math.max(limit.value, 0)} times ${fateOf(queue, settings)}; ${counted}`;
  if (!exit) return dropped(queue, limit, effect);
  return isByPolicy(limit) ? byPolicy(queue.name, 'weakens', 'delivery-limit', limit, effect) : undefined;
}

function dropped(queue: InspectedQueue, limit: InForce<number>, effect: string): Finding {
  return {
    object: queue.name,
    kind: 'drops',
    policy: limit.policy?.name ?? null,
    key: 'delivery-limit',
    value: limit.value,
    effect,
    mend: `give the queue a dead-letter exchange by a policy: dead-letter-exchange ${JSON.stringify(queue.exit?.exchange)}, dead-letter-routing-key ${JSON.stringify(queue.exit?.routingKey)}`,
  };
}

/** Where a policy leads what leaves the queue; the queue of somebody else may lead it where its owner likes. */
function judgeExit(queue: InspectedQueue, settings: SettingsInForce): Finding | undefined {
  const { deadLetterExchange: exchange, deadLetterRoutingKey: routingKey } = settings;
  const { exit, isOurs, name } = queue;
  if (!exit || !isOurs || !exchange) return undefined;
  if (isByPolicy(exchange) && exchange.value !== exit.exchange) {
    const effect = `${THING[queue.role]} that leaves this queue goes to exchange "${exchange.value}", not to "${exit.exchange}"`;
    return byPolicy(name, 'reroutes', 'dead-letter-exchange', exchange, effect);
  }
  if (routingKey?.value === exit.routingKey) return undefined;
  const culprit = routingKey ?? exchange;
  if (!isByPolicy(culprit)) return undefined;
  const key = routingKey ? 'dead-letter-routing-key' : 'dead-letter-exchange';
  const effect = `${THING[queue.role]} leaves this queue with ${routingKey ? `routing key "${routingKey.value}"` : 'its own routing key'}, which leads elsewhere`;
  return byPolicy(name, 'reroutes', key, culprit, effect);
}

/** What becomes of a message that the broker takes out of a queue. */
function fateOf(
  { exit }: InspectedQueue,
  { deadLetterExchange, deadLetterRoutingKey }: SettingsInForce,
): string {
  if (!deadLetterExchange) return 'is lost';
  const isPlanned =
    deadLetterExchange.value === exit?.exchange && deadLetterRoutingKey?.value === exit.routingKey;
  return isPlanned ? 'ends in the dead-letter queue' : `goes to exchange "${deadLetterExchange.value}"`;
}

function isByPolicy<Value>(setting: InForce<Value> | undefined): setting is Required<InForce<Value>> {
  return setting?.policy !== undefined;
}

function byPolicy(
  object: string,
  kind: FindingKind,
  key: string,
  { value, policy }: Required<InForce<string | number>>,
  effect: string,
): Finding {
  return { object, kind, policy: policy.name, key, value, effect, mend: mendOf(policy, key) };
}

function mendOf({ name, isOperator }: Policy, key: string): string {
  return isOperator
    ? `let the operator policy "${name}" not match it, or take ${key} out of that policy`
    : `let the policy "${name}" not match it (a narrower pattern, or for these queues a policy of higher priority without ${key})`;
}
