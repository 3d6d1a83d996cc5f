import type { Fault } from '../fault';
import { drawMs, drawUsualMs, seconds, timesOf } from './lasting';

const killed: Fault = {
  name: 'broker: kill -9',
  lane: 'surroundings',
  weight: 2,
  async strike(stage, draw, signal) {
    const ms = drawMs(stage, draw, 500, 8_000);
    try {
      await stage.broker.kill();
      await stage.pause(ms, signal);
    } finally {
      await stage.broker.start();
    }
    return `started again after ${seconds(ms)}`;
  },
};

const restarted: Fault = {
  name: 'broker: restart',
  lane: 'surroundings',
  async strike(stage, draw, signal) {
    const ms = drawMs(stage, draw, 0, 5_000);
    try {
      await stage.broker.stop();
      await stage.pause(ms, signal);
    } finally {
      await stage.broker.start();
    }
    return `stopped in order, started again after ${seconds(ms)}`;
  },
};

const hangsUp: Fault = {
  name: 'broker: closes all connections',
  lane: 'surroundings',
  weight: 2,
  async strike(stage, draw, signal) {
    const times = draw.between(1, 3);
    for (let time = 1; time <= times && !signal.aborted; time++) {
      await stage.broker.closeConnections(`chaos: ${time} of ${times}`);
      await stage.pause(drawMs(stage, draw, 500, 4_000), signal);
    }
    return timesOf(times);
  },
};

function alarm(of: 'memory' | 'disk'): Fault {
  return {
    name: `broker: ${of} alarm`,
    lane: 'surroundings',
    async strike(stage, draw, signal) {
      const ms = drawUsualMs(stage, draw);
      const clear = await stage.broker.raiseAlarm(of);
      try {
        await stage.pause(ms, signal);
      } finally {
        await clear();
      }
      return `every publisher blocked for ${seconds(ms)}`;
    },
  };
}

export const brokerFaults: readonly Fault[] = [killed, restarted, hangsUp, alarm('memory'), alarm('disk')];
