import type { Fault } from '../fault';
import { brokerFaults } from './broker-faults';
import { databaseFaults } from './database-faults';
import { policyFaults } from './policy-faults';
import { queueFaults } from './queue-faults';
import { wireFaults } from './wire-faults';

/** Everything that can happen around the processes of the service. */
export const surroundingsFaults: readonly Fault[] = [
  ...brokerFaults,
  ...databaseFaults,
  ...wireFaults,
  ...policyFaults,
  ...queueFaults,
];
