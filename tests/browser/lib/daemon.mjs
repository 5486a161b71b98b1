// What an administrator asks of the daemon, over its socket as otpostctl does.
import { connect } from 'node:net';

const PROTO = 1;

function frame(value) {
  const json = Buffer.from(JSON.stringify(value));
  const header = Buffer.alloc(4);
  header.writeUInt32BE(json.length);
  return Buffer.concat([header, json]);
}

/** Asks one thing; gives the answer, and fails with the daemon's words when it refuses. */
export function admin(path, op) {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let read = Buffer.alloc(0);
    let greeted = false;
    const end = (settle, value) => {
      settle(value);
      socket.destroy();
    };
    socket.setTimeout(20_000, () => end(reject, new Error(`the daemon did not answer ${op.op}`)));
    socket.on('error', (error) => end(reject, error));
    socket.on('close', () => reject(new Error(`the daemon closed the connection at ${op.op}`)));
    socket.on('connect', () => {
      socket.write(frame({ proto: PROTO, role: 'admin', version: 'browser tests' }));
      socket.write(frame({ id: 1, op }));
    });
    socket.on('data', (octets) => {
      read = Buffer.concat([read, octets]);
      while (read.length >= 4 && read.length >= 4 + read.readUInt32BE()) {
        const length = 4 + read.readUInt32BE();
        const message = JSON.parse(read.toString('utf8', 4, length));
        read = read.subarray(length);
        if (!greeted) greeted = true;
        else if (message.err) end(reject, new Error(`${op.op}: ${message.err.message}`));
        else end(resolve, message.ok);
      }
    });
  });
}
