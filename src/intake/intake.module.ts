import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module';
import { BrokerModule } from '../broker/broker.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { RegistrationModule } from '../registration/registration.module';
import { Intake } from './intake';
import { MessagesController } from './messages.controller';

@Module({
  imports: [AccessModule, BrokerModule, IdempotencyModule, RegistrationModule],
  providers: [Intake],
  controllers: [MessagesController],
})
export class IntakeModule {}
