import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { HandlerExplorer } from './handler-explorer';
import { HandlerRegistry } from './handler-registry';
import { HoldfastStrategy } from './holdfast-strategy';

@Module({
  imports: [DiscoveryModule],
  providers: [HandlerExplorer, HandlerRegistry, HoldfastStrategy],
  exports: [HandlerExplorer, HandlerRegistry, HoldfastStrategy],
})
export class RegistrationModule {}

export { handlerFor, type ConsumerDefinition, type HandlerDefinition } from './consumer-definition';
export type * from './consumer-options';
export { HandlerConfigurationError, type FoundHandler } from './definition-builder';
export { HandlerExplorer, type FoundMiddleware } from './handler-explorer';
export { HandlerRegistry } from './handler-registry';
export { HOLDFAST, HoldfastStrategy } from './holdfast-strategy';
export { hasReliableConsumers, ReliableBatchConsumer, ReliableConsumer } from './reliable-consumer.decorator';
export { delayAfter, exponential, longestPath, type RetryPolicy, type RetrySchedule } from './retry-schedule';
