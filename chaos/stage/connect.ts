import { connect, type ChannelModel } from 'amqplib';

/** @param urls addresses separated by commas. @throws what the last of them said, when none takes us. */
export async function connectToOneOf(urls: string, name: string): Promise<ChannelModel> {
  let failure: unknown;
  for (const url of urls.split(',')) {
    try {
      return await connect(url, { clientProperties: { connection_name: name }, timeout: 3_000 });
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
