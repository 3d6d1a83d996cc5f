import type { Fault } from '../fault';
import { brokerFaults } from './broker-faults';
import { databaseFaults } from './database-faults';
import { policyFaults } from './policy-faults';
import { queueFaults } from './queue-faults';
import { wireFaults } from './wire-faults';

/** What can happen whether the broker is one node or three. */
export const commonFaults: readonly Fault[] = [
  ...databaseFaults,
  ...wireFaults,
  ...policyFaults,
  ...queueFaults,
];

/** Everything that can happen around the processes of the service, with a broker of one node. */
export const surroundingsFaults: readonly Fault[] = [...brokerFaults, ...commonFaults];
