import { connect, createServer } from 'node:net';

/**
 * The wire between the service and one of its servers, which the demo can cut and hold apart. It works the same for a
 * private server, a container and somebody else's, and disturbs nobody else who uses that server.
 */
export async function layWire({ host, port }, goodbye) {
  const open = new Set();
  let isApart = false;
  let reconnect;
  const server = createServer((near) => {
    if (isApart) return void near.resetAndDestroy();
    const far = connect({ host, port });
    near.setNoDelay();
    far.setNoDelay();
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      open.add(one);
      one.on('error', () => {}); // The close that follows is what counts.
      one.on('close', () => {
        open.delete(one);
        other.destroySoon();
      });
    }
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });

  const cut = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  goodbye.remember('wire', () => {
    clearTimeout(reconnect);
    cut();
    server.close();
  });
  return {
    port: server.address().port,
    /** Every connection breaks, and for this long none comes about. */
    holdApart(ms) {
      isApart = true;
      cut();
      clearTimeout(reconnect);
      reconnect = setTimeout(() => (isApart = false), ms);
    },
    get isApart() {
      return isApart;
    },
  };
}

/** The address of a server as seen through the wire. */
export function throughWire(url, wire) {
  const address = new URL(url);
  address.hostname = '127.0.0.1';
  address.port = String(wire.port);
  return address.href;
}
