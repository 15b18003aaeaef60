// A TCP proxy that destroys a connection after so many events of a type went through to the client.
import { once } from 'node:events';
import net from 'node:net';

const END = Buffer.from('\n\n');

export class CuttingProxy {
  cuts = 0;
  #sockets = new Set();
  #exchanges = [];

  /** @param cut `{after, every, torn, type}`, the type being `delta` if not given; without it nothing is cut */
  static async before(origin, cut) {
    const proxy = new CuttingProxy();
    const { hostname, port } = new URL(origin);
    proxy.listener = net.createServer((client) => proxy.#connect(client, hostname, port, cut));
    proxy.listener.listen(0, '127.0.0.1');
    await once(proxy.listener, 'listening');
    proxy.origin = `http://127.0.0.1:${proxy.listener.address().port}`;
    return proxy;
  }

  /** The statuses that were answered to GETs of a path, in the order they were asked. */
  answers(path) {
    return this.#exchanges.filter((each) => each.path === path).map((each) => each.status);
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    this.listener.close();
    await once(this.listener, 'close');
  }

  #connect(client, host, port, cut) {
    const upstream = net.connect(Number(port), host);
    const destroy = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', destroy);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        destroy();
      });
    }
    const waiting = [];
    client.on('data', (bytes) => {
      const path = /^GET (\S+) HTTP/.exec(bytes.toString('latin1'))?.[1];
      if (path) {
        const exchange = { path, status: null };
        this.#exchanges.push(exchange);
        waiting.push(exchange);
      }
      upstream.write(bytes);
    });
    // What came of the event stream, if this connection has one; what else it answers is not cut.
    let seen = null;
    let sent = 0;
    upstream.on('data', (bytes) => {
      const head = /^HTTP\/1\.1 (\d+) [^]*?\r\n\r\n/.exec(bytes.toString('latin1'));
      if (head) {
        if (waiting.length > 0) waiting.shift().status = Number(head[1]);
        seen = /content-type: text\/event-stream/i.test(head[0]) ? Buffer.alloc(0) : null;
        sent = 0;
      }
      if (seen) seen = Buffer.concat([seen, bytes]);
      const at = seen && cut && (cut.every || this.cuts === 0) ? end(seen, cut) : -1;
      if (at < 0) {
        client.write(bytes);
        sent += bytes.length;
      } else {
        this.cuts++;
        upstream.removeAllListeners('data');
        // Closes once the last bytes are written, or they would be lost with the connection.
        client.write(seen.subarray(sent, at), () => client.end(destroy));
      }
    });
  }
}

/** Where to cut what went through a connection: -1 for not yet. */
function end(seen, { after, torn, type = 'delta' }) {
  const event = Buffer.from(`event: ${type}\n`);
  let at = seen.indexOf('\r\n\r\n') + 4;
  for (let events = 0; events < after; events++) {
    const next = seen.indexOf(event, at);
    const close = next < 0 ? -1 : seen.indexOf(END, next);
    if (close < 0) return -1;
    at = close + END.length;
  }
  if (!torn) return at;
  const next = seen.indexOf(event, at);
  return next < 0 ? -1 : next + event.length + 8;
}
