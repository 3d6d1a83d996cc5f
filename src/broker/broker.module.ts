import { Module } from '@nestjs/common';
import { MessageModule } from '../message/message.module';
import { BrokerConnections } from './broker-connections';

@Module({ imports: [MessageModule], providers: [BrokerConnections], exports: [BrokerConnections] })
export class BrokerModule {}

export { BrokerConnections } from './broker-connections';
export type { BrokerConnection, ConnectionStatus } from './broker-connection';
export type { Channel } from 'amqplib';
export { ChannelKeeper, plainChannel } from './channel-keeper';
export { RefusedError, UnconfirmedError, UnroutableError } from './confirm-publisher';
export { DeliveryChannel, type ChannelDelivery } from './delivery-channel';
export { copyOf, type CopyHeaders, type Publication } from './publication';
export { publishable } from './publishable';
export { UnpublishableError } from './unpublishable-error';
