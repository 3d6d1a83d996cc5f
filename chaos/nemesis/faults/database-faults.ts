import type { Fault } from '../fault';
import type { Stage } from '../../stage/stage';
import { drawMs, drawUsualMs, seconds, withTrouble } from './lasting';

/** Stops the database while messages go on coming, up to this many. */
async function away(stage: Stage, ms: number, backlog: number, signal: AbortSignal): Promise<string> {
  stage.load.allowBacklog(backlog);
  try {
    try {
      await stage.database.stop();
      await stage.pause(ms, signal);
    } finally {
      await stage.database.start();
    }
  } finally {
    stage.load.allowBacklog(undefined);
  }
  return `gone for ${seconds(ms)}, with up to ${backlog} messages waiting`;
}

const restarted: Fault = {
  name: 'database: immediate restart',
  lane: 'surroundings',
  weight: 2,
  async strike({ database }) {
    await database.restartImmediately();
    return 'every session dropped, recovered from its log';
  },
};

const stopped: Fault = {
  name: 'database: stopped for a while',
  lane: 'surroundings',
  weight: 2,
  strike: (stage, draw, signal) =>
    away(stage, drawUsualMs(stage, draw), drawMs(stage, draw, 10_000, 20_000), signal),
};

const FIVE_MINUTES_MS = 300_000;

/** A quick run has no five minutes to spare: there it lasts as long as its other faults at their longest. */
const stoppedForLong: Fault = {
  name: 'database: five minutes away with a full queue',
  lane: 'surroundings',
  weight: 1,
  strike(stage, _draw, signal) {
    const { pace } = stage;
    const ms = pace < 1 ? Math.max(8_000, 30_000 * pace) : FIVE_MINUTES_MS;
    return away(stage, ms, Math.round(200_000 * Math.min(1, pace)), signal);
  },
};

const slow: Fault = {
  name: 'database: slow',
  lane: 'surroundings',
  async strike(stage, draw, signal) {
    const ms = drawUsualMs(stage, draw);
    const delayMs = draw.between(50, 400);
    await withTrouble(
      stage.replicas,
      ({ postgres }) => postgres.delay(delayMs),
      () => stage.pause(ms, signal),
    );
    return `every answer ${2 * delayMs} ms later, for ${seconds(ms)}`;
  },
};

/** Not shortened by the pace: it must outlast a statement that has no patience, and stay below the time a handler has. */
const locked: Fault = {
  name: 'database: table of effects locked',
  lane: 'surroundings',
  async strike({ database }, draw, signal) {
    const ms = draw.between(2_000, 4_000);
    await database.lockEffects(ms, signal);
    return `for ${seconds(ms)}`;
  },
};

const full: Fault = {
  name: 'database: every connection taken',
  lane: 'surroundings',
  async strike(stage, draw, signal) {
    const ms = drawUsualMs(stage, draw);
    const giveBack = await stage.database.takeAllConnections();
    try {
      await stage.pause(ms, signal);
    } finally {
      await giveBack();
    }
    return `none left for the service for ${seconds(ms)}`;
  },
};

export const databaseFaults: readonly Fault[] = [restarted, stopped, stoppedForLong, slow, locked, full];
