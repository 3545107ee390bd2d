// The few things node:http leaves to us.

import { Buffer } from 'node:buffer';

export async function readBody(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function send(res, status, body, headers = {}) {
  const [type, text] = typeof body === 'string'
    ? ['text/html; charset=utf-8', body]
    : ['application/json', JSON.stringify(body)];
  res.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store', ...headers });
  res.end(text);
}
