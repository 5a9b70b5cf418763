import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ModelSlot } from './model-slot.js';

/** What the service counts and times, for Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  request(labels: { method: string; route: string; status: number }, seconds: number): void;
  batch(model: string, size: number, seconds: number): void;
  reload(model: string, result: 'loaded' | 'failed' | 'rolled back'): void;
  event(message: string): void;
}

/** @param slots  looked at when metrics are read */
export function createMetrics(slots: ReadonlyMap<string, ModelSlot>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'codebeam_request_seconds',
    help: 'time to answer a request',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const batches = new Histogram({
    name: 'codebeam_batch_requests',
    help: 'requests that a model answered at a time',
    labelNames: ['model'],
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers,
  });
  const batchSeconds = new Histogram({
    name: 'codebeam_batch_seconds',
    help: 'time that a model took for requests that it answered at a time',
    labelNames: ['model'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const reloads = counter(
    'codebeam_reloads_total',
    'versions of a model that took the place of another, or failed to',
    ['model', 'result'],
  );
  const events = counter('codebeam_events_total', 'events written to the log', ['message']);
  /** What a model says of itself at the time. */
  const gauge = (name: string, help: string, read: (slot: ModelSlot) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['model'],
      registers,
      collect() {
        this.reset();
        for (const [model, slot] of slots) this.set({ model }, read(slot));
      },
    });
  gauge('codebeam_pending_requests', 'requests that wait for a model or are being answered by it', ({ current }) => {
    return current.batcher.pending;
  });
  gauge('codebeam_model_version', 'version of a model that is served', ({ current }) => current.number);
  gauge('codebeam_model_restarts', 'times that the process of a model ended by itself', ({ current }) => {
    return current.model.restarts ?? 0;
  });
  return {
    registry,
    request: (labels, seconds) => requests.observe(labels, seconds),
    batch(model, size, seconds) {
      batches.observe({ model }, size);
      batchSeconds.observe({ model }, seconds);
    },
    reload: (model, result) => reloads.inc({ model, result }),
    event: (message) => events.inc({ message }),
  };
}
