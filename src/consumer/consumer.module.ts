import { type DynamicModule, Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module';
import { BrokerModule } from '../broker/broker.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { InspectionModule } from '../inspection/inspection.module';
import { MessageModule } from '../message/message.module';
import { OutboxModule } from '../outbox/outbox.module';
import { ProcessingModule } from '../processing/processing.module';
import { RegistrationModule } from '../registration/registration.module';
import { TopologyModule } from '../topology/topology.module';
import { Consumers } from './consumers';
import { ConsumersController } from './consumers.controller';
import { DISCOVERY, type DiscoveryMode } from './discovery-mode';
import { PauseStore } from './pause.store';
import { PauseWatch } from './pause-watch';

@Module({})
export class ConsumerModule {
  static forRoot(discovery: DiscoveryMode): DynamicModule {
    return {
      module: ConsumerModule,
      imports: [
        AccessModule,
        BrokerModule,
        IdempotencyModule,
        InspectionModule,
        MessageModule,
        OutboxModule,
        ProcessingModule,
        RegistrationModule,
        TopologyModule,
      ],
      controllers: [ConsumersController],
      providers: [{ provide: DISCOVERY.token, useValue: discovery }, Consumers, PauseStore, PauseWatch],
      exports: [Consumers],
    };
  }
}

export type { ConsumerStatus } from './consumer-status';
export { Consumers, UnknownConsumerError } from './consumers';
