import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';

/*
 * Just enough AMQP 0-9-1 to know that a broker lets this user into this vhost: the opening of a connection and its
 * polite end. Without dependencies, because it runs before `npm ci`.
 */
const START = 0x000a000a;
const START_OK = 0x000a000b;
const TUNE = 0x000a001e;
const TUNE_OK = 0x000a001f;
const OPEN = 0x000a0028;
const OPEN_OK = 0x000a0029;
const CLOSE = 0x000a0032;
const CLOSE_OK = 0x000a0033;

/**
 * Opens and closes one connection. Resolves to `{ version }`; rejects with the reason. An error that waiting cannot
 * heal (wrong password, unknown vhost) has `final: true`.
 */
export function shakeHandsWithRabbitmq(url, timeoutMs = 3000) {
  const target = parse(url);
  return new Promise((resolve, reject) => {
    const socket = openSocket(target);
    let version;
    let received = Buffer.alloc(0);
    const finish = (settle, value) => {
      clearTimeout(timer);
      socket.destroy();
      settle(value);
    };
    const fail = (message, final = false) =>
      finish(reject, Object.assign(new Error(`${target.shown}: ${message}`), { final }));
    const timer = setTimeout(() => fail(`no AMQP answer within ${timeoutMs} ms`), timeoutMs);
    const steps = {
      [START]: (payload) => {
        version = readVersion(payload);
        socket.write(frame(START_OK, startOk(target)));
      },
      [TUNE]: (payload) => {
        const tuning = Buffer.from(payload.subarray(4, 12));
        tuning.writeUInt16BE(0, 6); // No heartbeat: this connection lives for milliseconds.
        socket.write(frame(TUNE_OK, tuning));
        socket.write(
          frame(OPEN, Buffer.concat([shortString(target.vhost), shortString(''), Buffer.from([0])])),
        );
      },
      [OPEN_OK]: () => socket.write(frame(CLOSE, Buffer.from([0, 200, 0, 0, 0, 0, 0]))),
      [CLOSE_OK]: () => finish(resolve, { version }),
      [CLOSE]: (payload) => fail(payload.subarray(7, 7 + payload[6]).toString(), true),
    };

    socket.once(target.tls ? 'secureConnect' : 'connect', () =>
      socket.write('AMQP\x00\x00\x09\x01', 'latin1'),
    );
    socket.on('error', (error) => fail(error.message || error.code));
    socket.on('close', () => fail('the connection was closed in the middle of the AMQP handshake'));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received[0] !== undefined && received[0] !== 1)
        return fail('what answers there is not AMQP 0-9-1', true);
      while (received.length >= 8 && received.length >= received.readUInt32BE(3) + 8) {
        const size = received.readUInt32BE(3);
        const payload = received.subarray(7, 7 + size);
        received = received.subarray(size + 8);
        steps[payload.readUInt32BE(0)]?.(payload);
      }
    });
  });
}

function parse(url) {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const tls = protocol === 'amqps:';
  const vhost = decodeURIComponent(pathname.slice(1)) || '/';
  return {
    tls,
    host: hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(port) || (tls ? 5671 : 5672),
    user: decodeURIComponent(username) || 'guest',
    password: decodeURIComponent(password) || 'guest',
    vhost,
    shown: `${protocol}//${hostname}:${Number(port) || (tls ? 5671 : 5672)}${pathname}`,
  };
}

const openSocket = ({ tls, host, port }) =>
  tls ? connectTls({ host, port, servername: host }) : connectPlain({ host, port });

function frame(method, body) {
  const head = Buffer.alloc(11);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(4 + body.length, 3);
  head.writeUInt32BE(method, 7);
  return Buffer.concat([head, body, Buffer.from([0xce])]);
}

const shortString = (text) => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]);

function longString(content) {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** With this capability a refused password is answered by a reason instead of a silent hang-up. */
function startOk({ user, password }) {
  const capability = Buffer.concat([shortString('authentication_failure_close'), Buffer.from('t\x01')]);
  const properties = Buffer.concat([shortString('capabilities'), Buffer.from('F'), longString(capability)]);
  return Buffer.concat([
    longString(properties),
    shortString('PLAIN'),
    longString(`\0${user}\0${password}`),
    shortString('en_US'),
  ]);
}

function readVersion(payload) {
  const at = payload.indexOf('\x07versionS', 0, 'latin1');
  if (at === -1) return undefined;
  const length = payload.readUInt32BE(at + 9);
  return payload.subarray(at + 13, at + 13 + length).toString();
}
