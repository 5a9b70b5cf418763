import * as z from 'zod';
import { atomicFile, parseDelimited } from './delimited.js';
import { checkFirstLine, idOf } from './ids.js';
import type { RawInteraction } from './interactions.js';
import type { ToleranceOptions } from './read-lines.js';

export const sequenceTableSchema = z.strictObject({
  columns: z.strictObject({ user: z.string().min(1), items: z.string().min(1) }),
  delimiter: z.string().min(1).default('\t').describe('between columns; items are separated by blanks'),
  where: z
    .record(z.string(), z.string())
    .default({})
    .describe('text that a row must have in a column to count, e.g. complete: "1"'),
});
export type SequenceTable = z.input<typeof sequenceTableSchema>;

/**
 * Reads a delimited file with a header and one row for each user, whose items stand in one column, oldest first, plain
 * or gzip. A header may be of RecBole's kind (`item_id_list:token_seq`). Each item's place serves as timestamp.
 *
 * @throws ZodError when the table is wrongly described
 * @throws Error naming file and column when a column is missing, or file and line when too many rows are bad (such without
 *   a user, say) or a user has two
 */
export async function* readSequenceTable(
  path: string,
  table: SequenceTable,
  options: ToleranceOptions = {},
): AsyncGenerator<RawInteraction> {
  const { columns, delimiter, where } = sequenceTableSchema.parse(table);
  const conditions = Object.entries(where);
  const lineOf = new Map<string, number>();
  const parseRow = (row: Record<string, string>, line: number) => {
    const user = idOf(row[columns.user], `"${columns.user}"`);
    if (!conditions.every(([name, text]) => row[name] === text)) return { user, items: [] };
    checkFirstLine(path, line, user, lineOf);
    return { user, items: row[columns.items].trim().split(/\s+/) };
  };
  const wanted = [columns.user, columns.items, ...Object.keys(where)];
  const rows = parseDelimited(path, wanted, parseRow, { ...options, ...atomicFile, delimiter });
  for await (const { user, items } of rows) {
    for (const [timestamp, item] of items.entries()) if (item !== '') yield { user, item, timestamp };
  }
}
