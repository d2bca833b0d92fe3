// An OpenAI-compatible server on loopback that answers from a script: for each model name, one text after another.
import http from 'node:http';

/**
 * @param script {model name: [text, …]}; the last text of a name is repeated
 * @param pause milliseconds between the streamed pieces of an answer
 */
export async function scriptedModel(script, { pause = 15, key } = {}) {
  const requests = [];
  const turns = new Map();
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: 'wrong key', type: 'invalid_request_error' } }));
      return;
    }
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ object: 'list', data: Object.keys(script).map((id) => ({ id, object: 'model' })) }));
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    requests.push(body);
    const texts = script[body.model];
    if (!request.url.endsWith('/chat/completions') || texts === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: `no such model: ${body.model}`, type: 'invalid_request_error' } }));
      return;
    }
    const turn = turns.get(body.model) ?? 0;
    turns.set(body.model, turn + 1);
    const text = texts[Math.min(turn, texts.length - 1)];
    const usage = { prompt_tokens: Math.ceil(chunks.join('').length / 4), completion_tokens: Math.ceil(text.length / 4) };
    usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
    const frame = { id: `scripted-${requests.length}`, created: 0, model: body.model };
    if (!body.stream) {
      response.writeHead(200, { 'content-type': 'application/json' });
      const choice = { index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' };
      response.end(JSON.stringify({ ...frame, object: 'chat.completion', choices: [choice], usage }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (choices, more = {}) =>
      response.write(`data: ${JSON.stringify({ ...frame, object: 'chat.completion.chunk', choices, ...more })}\n\n`);
    send([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
    for (const piece of text.match(/[\s\S]{1,8}/g) ?? []) {
      if (response.destroyed) return; // the run was cancelled
      send([{ index: 0, delta: { content: piece }, finish_reason: null }]);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    send([{ index: 0, delta: {}, finish_reason: 'stop' }]);
    if (body.stream_options?.include_usage) send([], { usage });
    response.end('data: [DONE]\n\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    requests,
    close: () => { server.closeAllConnections(); server.close(); },
  };
}
