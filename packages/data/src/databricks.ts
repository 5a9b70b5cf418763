import * as z from 'zod';
import { interactionMapSchema, interactionOf, type Row } from './column-map.js';
import type { RawInteraction } from './interactions.js';
import { countBadLines, type ToleranceOptions } from './read-lines.js';

export const databricksSchema = z
  .strictObject({
    host: z.string().min(1).describe('e.g. dbc-1234.cloud.databricks.com'),
    path: z.string().min(1).describe('HTTP path of the SQL warehouse, e.g. /sql/1.0/warehouses/abc'),
    tokenVariable: z
      .string()
      .min(1)
      .default('DATABRICKS_TOKEN')
      .describe('environment variable that holds the access token'),
    table: z.string().min(1).optional().describe('catalog.schema.table; or give a query'),
    query: z.string().min(1).optional().describe('a SELECT instead of a table'),
    columns: interactionMapSchema.shape.columns,
    timestampUnit: interactionMapSchema.shape.timestampUnit,
    chunkRows: z.int().min(1).default(100_000).describe('rows held at a time'),
  })
  .refine(({ table, query }) => (table === undefined) !== (query === undefined), 'expected either a table or a query');
export type DatabricksSource = z.input<typeof databricksSchema>;

interface Operation {
  fetchChunk(options: { maxRows: number }): Promise<object[]>;
  hasMoreRows(): Promise<boolean>;
  close(): Promise<unknown>;
}
interface Session {
  executeStatement(statement: string): Promise<Operation>;
  close(): Promise<unknown>;
}
interface Client {
  connect(options: { host: string; path: string; token: string }): Promise<unknown>;
  openSession(): Promise<Session>;
  close(): Promise<unknown>;
}

/** What we use of `@databricks/sql` 1 and 2. */
export interface DatabricksModule {
  DBSQLClient: new () => Client;
}

const peer = '@databricks/sql';

/**
 * Reads interactions from a Databricks table or query through `@databricks/sql`, an optional peer that is loaded when
 * this is called, chunk by chunk. Ids come as texts, whatever their type: the driver would round large integers.
 * Without an ORDER BY in a query rows come in any order, which then decides dense ids and ties.
 *
 * @param importModule  loads the peer
 * @throws ZodError when the source is wrongly described
 * @throws Error saying what to install or set when the peer or the token is missing
 * @throws Error naming the table, row and reason when too many rows are bad
 */
export async function* readDatabricksInteractions(
  source: DatabricksSource,
  options: ToleranceOptions = {},
  importModule: () => Promise<DatabricksModule> = () => import(peer),
): AsyncGenerator<RawInteraction> {
  const { host, path, tokenVariable, table, query, columns, timestampUnit, chunkRows } = databricksSchema.parse(source);
  const token = process.env[tokenVariable];
  if (!token) {
    throw new Error(
      `data: environment variable ${tokenVariable} must hold the Databricks access token, got nothing; set it, or name another with tokenVariable`,
    );
  }
  const { DBSQLClient } = await importModule().catch((cause: Error) => {
    throw new Error(
      `data: the Databricks reader must find the package ${peer}, got ${cause.message}; run \`npm install ${peer}\``,
      { cause },
    );
  });
  const client = new DBSQLClient();
  const rows = rowsOf(client, { host, path, token }, statementOf(columns, table, query), chunkRows);
  const badRows = countBadLines(table ?? 'the Databricks query', options);
  let number = 0;
  const selected = { ...names, ...(columns.rating !== undefined && { rating: 'rating' }) };
  for await (const row of rows) {
    number++;
    let interaction: RawInteraction;
    try {
      interaction = interactionOf(row, selected, timestampUnit);
    } catch (error) {
      badRows.add(number, error);
      continue;
    }
    badRows.addGood();
    yield interaction;
  }
  badRows.check();
}

/** How the columns are called in the statement. */
const names = { user: 'user', item: 'item', timestamp: 'timestamp' };

function statementOf(columns: DatabricksSource['columns'], table?: string, query?: string): string {
  const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;
  const selected = [
    `CAST(${quoted(columns.user)} AS STRING) AS user`,
    `CAST(${quoted(columns.item)} AS STRING) AS item`,
    `${quoted(columns.timestamp)} AS timestamp`,
    columns.rating === undefined ? 'NULL AS rating' : `${quoted(columns.rating)} AS rating`,
  ];
  const from = table === undefined ? `(${query})` : table.split('.').map(quoted).join('.');
  return `SELECT ${selected.join(', ')} FROM ${from}`;
}

/** All rows, chunk by chunk; what was opened is closed, also when the reader stops early. */
async function* rowsOf(
  client: Client,
  connection: { host: string; path: string; token: string },
  statement: string,
  maxRows: number,
): AsyncGenerator<Row> {
  await client.connect(connection);
  try {
    const session = await client.openSession();
    try {
      const operation = await session.executeStatement(statement);
      try {
        do yield* (await operation.fetchChunk({ maxRows })) as Row[];
        while (await operation.hasMoreRows());
      } finally {
        await operation.close();
      }
    } finally {
      await session.close();
    }
  } finally {
    await client.close();
  }
}
