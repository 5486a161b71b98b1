// Makes a browser's picture small: a palette of few colours, a fourth of the size and much the same to the eye.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** Text is smooth enough with these. */
const COLOURS = 64;
const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

/** Name and content of each chunk. */
function* chunks(png) {
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    yield [png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, at + 8 + length)];
    at += 12 + length;
  }
}

function chunk(name, content) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(content.length);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** The octets of a picture without the filters of its lines (PNG specification, 9.2). */
function unfiltered(data, width, height, depth) {
  const line = width * depth;
  const out = Buffer.alloc(line * height);
  for (let y = 0; y < height; y += 1) {
    const filter = data[y * (line + 1)];
    for (let x = 0; x < line; x += 1) {
      const to = y * line + x;
      const left = x >= depth ? out[to - depth] : 0;
      const up = y > 0 ? out[to - line] : 0;
      const corner = x >= depth && y > 0 ? out[to - line - depth] : 0;
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = up;
      else if (filter === 3) guess = (left + up) >> 1;
      else if (filter === 4) {
        const [a, b, c] = [left, up, corner].map((of) => Math.abs(left + up - corner - of));
        guess = a <= b && a <= c ? left : b <= c ? up : corner;
      }
      out[to] = data[y * (line + 1) + 1 + x] + guess;
    }
  }
  return out;
}

/** The picture with a palette of its most frequent colours; any other becomes the nearest of them. */
export function shrink(png) {
  const parts = [...chunks(png)];
  const header = parts.find(([name]) => name === 'IHDR')[1];
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const depth = { 2: 3, 6: 4 }[header[9]];
  if (header[8] !== 8 || depth === undefined || header[12] !== 0) return png;
  const data = inflateSync(Buffer.concat(parts.filter(([name]) => name === 'IDAT').map(([, part]) => part)));
  const pixels = unfiltered(data, width, height, depth);
  const seen = new Map();
  const colour = (at) => (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
  for (let at = 0; at < pixels.length; at += depth) seen.set(colour(at), (seen.get(colour(at)) ?? 0) + 1);
  const palette = [...seen].sort((a, b) => b[1] - a[1]).slice(0, COLOURS).map(([rgb]) => rgb);
  const index = new Map(palette.map((rgb, at) => [rgb, at]));
  const nearest = (rgb) => {
    let [best, least] = [0, Infinity];
    for (const [at, other] of palette.entries()) {
      const far = [16, 8, 0].reduce((sum, by) => sum + (((rgb >> by) & 255) - ((other >> by) & 255)) ** 2, 0);
      if (far < least) [best, least] = [at, far];
    }
    index.set(rgb, best);
    return best;
  };
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const rgb = colour((y * width + x) * depth);
      lines[y * (width + 1) + 1 + x] = index.get(rgb) ?? nearest(rgb);
    }
  }
  const head = Buffer.from(header);
  head[9] = 3;
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flatMap((rgb) => [rgb >> 16, (rgb >> 8) & 255, rgb & 255]))),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
