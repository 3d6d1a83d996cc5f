import { Module } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module';
import { MessageModule } from '../message/message.module';
import { RegistrationModule } from '../registration/registration.module';
import { TopologyModule } from '../topology/topology.module';
import { Findings } from './findings';
import { Inspection } from './inspection';

/** What the broker makes of the topology that was declared. */
@Module({
  imports: [BrokerModule, MessageModule, RegistrationModule, TopologyModule],
  providers: [Findings, Inspection],
  exports: [Findings, Inspection],
})
export class InspectionModule {}

export { Findings } from './findings';
export { Inspection, type PolicyCheck } from './inspection';
