import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { mlflowTracker } from './index.js';

type Call = { path: string; authorization?: string; body?: Record<string, unknown> };

let server: Server | undefined;
afterEach(() => void server?.close());

/** A server that answers as MLflow does, and remembers what it was asked. */
async function serve({
  knowsExperiment = true,
  status = 200,
  failures = 0,
} = {}): Promise<{ uri: string; calls: Call[] }> {
  const calls: Call[] = [];
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const path = request.url!.replace('/api/2.0/mlflow/', '');
    const { authorization } = request.headers;
    calls.push({ path, ...(authorization && { authorization }), ...(text && { body: JSON.parse(text) }) });
    const isMissing = path.startsWith('experiments/get-by-name') && !knowsExperiment;
    const answers: Record<string, object> = {
      'experiments/get-by-name': { experiment: { experiment_id: '7' } },
      'experiments/create': { experiment_id: '8' },
      'runs/create': { run: { info: { run_id: 'abc' } } },
    };
    const isFailing = path === 'runs/log-batch' && failures-- > 0;
    response.writeHead(isFailing ? 503 : isMissing ? 404 : status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answers[path.split('?')[0]] ?? {}));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return { uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, calls };
}

describe('mlflowTracker', () => {
  it('creates a run, logs options and reports, and ends it', async () => {
    const { uri, calls } = await serve();
    const tracker = mlflowTracker({ trackingUri: uri, experiment: 'my shop', token: 'secret', tags: { team: 'a' } });
    const run = await tracker.begin('study-0', { l2: 250, kind: 'ease', dims: [2, 3] });
    await run.report({ resource: 3, metrics: { 'ndcg@10': 0.25 } });
    await run.end('stopped');
    expect(calls.map(({ path }) => path)).toEqual([
      'experiments/get-by-name?experiment_name=my%20shop',
      ...['runs/create', 'runs/log-batch', 'runs/log-batch', 'runs/update'],
    ]);
    expect(calls.every(({ authorization }) => authorization === 'Bearer secret')).toBe(true);
    const [, create, params, metrics, update] = calls.map(({ body }) => body);
    expect(create).toMatchObject({ experiment_id: '7', run_name: 'study-0' });
    expect(create!.tags).toContainEqual({ key: 'team', value: 'a' });
    expect(params).toEqual({
      run_id: 'abc',
      params: [
        { key: 'l2', value: '250' },
        { key: 'kind', value: 'ease' },
        { key: 'dims', value: '[2,3]' },
      ],
    });
    const timestamp = expect.any(Number);
    expect(metrics).toEqual({ run_id: 'abc', metrics: [{ key: 'ndcg_at_10', value: 0.25, step: 3, timestamp }] });
    expect(update).toEqual({ run_id: 'abc', status: 'KILLED', end_time: timestamp });
  });

  it('creates the experiment when there is none, and asks for it once', async () => {
    const { uri, calls } = await serve({ knowsExperiment: false });
    const tracker = mlflowTracker({ trackingUri: uri, experiment: 'new' });
    await tracker.begin('a', {});
    await tracker.begin('b', {});
    expect(calls.map(({ path }) => path.split('?')[0])).toEqual([
      ...['experiments/get-by-name', 'experiments/create', 'runs/create', 'runs/create'],
    ]);
    expect(calls[2].body).toMatchObject({ experiment_id: '8' });
  });

  it('does not wait twice for a server that never answers', async () => {
    let asked = 0;
    server = createServer(() => void asked++);
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const trackingUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const tracker = mlflowTracker({ trackingUri, experiment: 'shop', timeoutMs: 100 });
    await expect(tracker.begin('study-0', {})).rejects.toThrow('mlflow must answer');
    expect(asked).toBe(1);
    server.closeAllConnections();
  });

  it('asks again when the server has failed', async () => {
    const { uri, calls } = await serve({ failures: 1 });
    const run = await mlflowTracker({ trackingUri: uri, experiment: 'x' }).begin('a', {});
    await run.report({ resource: 1, metrics: { loss: 2 } });
    expect(calls.filter(({ path }) => path === 'runs/log-batch')).toHaveLength(2);
  });

  it('says what the server refused', async () => {
    const { uri } = await serve({ status: 403 });
    await expect(mlflowTracker({ trackingUri: uri, experiment: 'x' }).begin('a', {})).rejects.toThrow(
      `trainers: mlflow must accept experiments/get-by-name?experiment_name=x at ${uri}, got 403`,
    );
    const nobody = { trackingUri: 'http://127.0.0.1:9', experiment: 'x' };
    await expect(mlflowTracker(nobody).begin('a', {})).rejects.toThrow(
      'trainers: mlflow must answer at http://127.0.0.1:9, got',
    );
  });
});
