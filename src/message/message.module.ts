import { Module } from '@nestjs/common';
import { EventBus } from './events';

@Module({ providers: [EventBus], exports: [EventBus] })
export class MessageModule {}

export * from './backoff';
export * from './context';
export * from './delivery';
export * from './dependency-gate';
export * from './describe-error';
export * from './duration';
export * from './events';
export * from './failures';
export * from './finding';
export * from './outcome';
export * from './settle-within';
export * from './trace-context';
