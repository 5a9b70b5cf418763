import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DatabricksModule, type DatabricksSource, readDatabricksInteractions } from './databricks.js';

/** A driver that gives the rows two at a time, and what was asked of it. */
function fakeDatabricks(rows: object[]) {
  const closed: string[] = [];
  const close = (what: string) => async () => void closed.push(what);
  let next = 0;
  const operation = {
    fetchChunk: vi.fn(async ({ maxRows }: { maxRows: number }) => {
      next += maxRows;
      return rows.slice(next - maxRows, next);
    }),
    hasMoreRows: async () => next < rows.length,
    close: close('operation'),
  };
  const session = { executeStatement: vi.fn(async (_: string) => operation), close: close('session') };
  const connect = vi.fn(async (_: object) => {});
  class DBSQLClient {
    connect = connect;
    openSession = async () => session;
    close = close('client');
  }
  const importModule = async (): Promise<DatabricksModule> => ({ DBSQLClient });
  return { importModule, session, operation, connect, closed };
}

const source: DatabricksSource = {
  host: 'dbc.example.com',
  path: '/sql/1.0/warehouses/abc',
  table: 'shop.web.clicks',
  columns: { user: 'SessionId', item: 'Item`Id', timestamp: 'Time' },
  chunkRows: 2,
};
const row = (n: number) => ({ user: 's', item: '9007199254740993', timestamp: n, rating: null });

beforeEach(() => vi.stubEnv('DATABRICKS_TOKEN', 'secret'));
afterEach(() => vi.unstubAllEnvs());

describe('readDatabricksInteractions', () => {
  it('streams a table in chunks, with ids as texts that no number could hold', async () => {
    const { importModule, session, operation, connect, closed } = fakeDatabricks([row(1), row(2), row(3)]);
    const read = await Readable.from(readDatabricksInteractions(source, {}, importModule)).toArray();
    expect(read).toEqual([1, 2, 3].map((timestamp) => ({ user: 's', item: '9007199254740993', timestamp })));
    expect(connect).toHaveBeenCalledWith({ host: 'dbc.example.com', path: '/sql/1.0/warehouses/abc', token: 'secret' });
    expect(session.executeStatement).toHaveBeenCalledWith(
      'SELECT CAST(`SessionId` AS STRING) AS user, CAST(`Item``Id` AS STRING) AS item, `Time` AS timestamp, ' +
        'NULL AS rating FROM `shop`.`web`.`clicks`',
    );
    expect(operation.fetchChunk.mock.calls).toEqual([[{ maxRows: 2 }], [{ maxRows: 2 }]]);
    expect(closed).toEqual(['operation', 'session', 'client']);
  });

  it('takes a query, ratings, dates and milliseconds', async () => {
    const rows = [
      { user: 'a', item: 'x', timestamp: new Date(5000), rating: 4 },
      { user: 'a', item: 'y', timestamp: 7000, rating: '3.5' },
    ];
    const { importModule, session } = fakeDatabricks(rows);
    const { table: _, ...rest } = source;
    const columns = { ...source.columns, rating: 'stars' };
    const query = 'SELECT * FROM clicks WHERE day > 3 ORDER BY Time';
    const reading = readDatabricksInteractions(
      { ...rest, query, columns, timestampUnit: 'milliseconds' },
      {},
      importModule,
    );
    expect(await Readable.from(reading).toArray()).toEqual([
      { user: 'a', item: 'x', timestamp: 5, rating: 4 },
      { user: 'a', item: 'y', timestamp: 7, rating: 3.5 },
    ]);
    expect(session.executeStatement.mock.calls[0][0]).toContain(`\`stars\` AS rating FROM (${query})`);
  });

  it('closes what it opened when the reader stops early or the statement fails', async () => {
    const early = fakeDatabricks([row(1), row(2), row(3)]);
    for await (const _ of readDatabricksInteractions(source, {}, early.importModule)) break;
    expect(early.closed).toEqual(['operation', 'session', 'client']);
    const failing = fakeDatabricks([]);
    failing.session.executeStatement.mockRejectedValue(new Error('no such table'));
    const reading = Readable.from(readDatabricksInteractions(source, {}, failing.importModule)).toArray();
    await expect(reading).rejects.toThrow('no such table');
    expect(failing.closed).toEqual(['session', 'client']);
  });

  it('names the table and the row that holds no id', async () => {
    const { importModule } = fakeDatabricks([row(1), { ...row(2), item: null }]);
    const reading = Readable.from(readDatabricksInteractions(source, { tolerance: 0 }, importModule)).toArray();
    await expect(reading).rejects.toThrow(
      'data: shop.web.clicks must have at most 0 unreadable lines of 2, got 1, the first in line 2: "item" must be an id, got null',
    );
  });

  it('says what to set and what to install', async () => {
    await expect(Readable.from(readDatabricksInteractions(source)).toArray()).rejects.toThrow(
      /^data: the Databricks reader must find the package @databricks\/sql, got .*; run `npm install @databricks\/sql`/,
    );
    const unset = { ...source, tokenVariable: 'NO_SUCH_TOKEN' };
    await expect(Readable.from(readDatabricksInteractions(unset)).toArray()).rejects.toThrow(
      'data: environment variable NO_SUCH_TOKEN must hold the Databricks access token, got nothing',
    );
    const both = { ...source, query: 'SELECT 1' };
    await expect(Readable.from(readDatabricksInteractions(both)).toArray()).rejects.toThrow(
      'expected either a table or a query',
    );
  });
});
