/** Colours of the style sheet for lines and groups side by side, light or dark as the reader's screen is. */
export const seriesColor = (number: number) => `var(--series-${(number % 6) + 1})`;

/** The style sheet of pages: no font or image from elsewhere, light and dark, phone to desk, paper. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #faf9f6; --card: #ffffff; --ink: #1f2328; --muted: #69707a; --line: #e2dfd8;
  --accent: #2f5d8a; --hit: #2b7a54; --hit-back: #e4f2ea; --warn: #7a4b00; --warn-back: #ffe9bd; --warn-line: #d9962b;
  --series-1: #3a6ea5; --series-2: #c4713b; --series-3: #4f8f63; --series-4: #8b62a6; --series-5: #b39530; --series-6: #5fa3a8; --series-rest: #c9c6bf;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --card: #1c1f23; --ink: #e7e5e0; --muted: #9aa1ab; --line: #32363c;
    --accent: #86b4df; --hit: #79c79d; --hit-back: #1d3529; --warn: #ffd894; --warn-back: #3b2b0c; --warn-line: #a8741f;
    --series-1: #79aadb; --series-2: #e0976a; --series-3: #84c298; --series-4: #ba97d2; --series-5: #d6bc62; --series-6: #8bcacf; --series-rest: #4a4f56;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 0.3rem; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; letter-spacing: -0.01em; margin: 3rem 0 0.4rem; font-weight: 650; }
h3 { font-size: 0.95rem; margin: 0 0 0.35rem; font-weight: 600; }
p { margin: 0.3rem 0 0.9rem; max-width: 46rem; }
small, .muted { color: var(--muted); }
small { font-size: 0.8em; }
.lead { color: var(--muted); font-size: 1.02rem; margin-bottom: 1.25rem; max-width: none; }
.warning { background: var(--warn-back); color: var(--warn); border: 2px solid var(--warn-line); border-radius: 8px; padding: 0.85rem 1.1rem; margin: 0 0 1.5rem; max-width: none; font-weight: 600; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); margin: 0 0 1.1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.facts div { box-shadow: 1px 1px 0 var(--line); padding: 0.55rem 0.8rem; }
.facts dt { color: var(--muted); font-size: 0.76rem; }
.facts dd { margin: 0; font-weight: 550; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin: 0 0 1.1rem; }
table { border-collapse: separate; border-spacing: 0; width: 100%; }
th, td { padding: 0.45rem 0.7rem; text-align: right; vertical-align: top; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; line-height: 1.3; color: var(--muted); font-size: 0.8rem; font-weight: 550; vertical-align: bottom; }
tbody th { text-align: left; font-weight: 550; white-space: normal; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--card); }
td small, th small { display: block; font-weight: 400; }
td b { color: var(--accent); font-weight: 700; }
.group th { background: var(--paper); color: var(--muted); font-size: 0.8rem; font-weight: 550; position: static; }
.group span { position: sticky; left: 0.7rem; display: inline-block; max-width: calc(100vw - 3.5rem); }
.forest { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.8rem 1rem; margin: 0 0 1.1rem; }
.forest div { display: grid; grid-template-columns: minmax(5.5rem, 9rem) 1fr 3.6rem; gap: 0.7rem; align-items: center; min-height: 1.7rem; }
.forest .track { position: relative; height: 1.1rem; background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat; }
.forest .range { position: absolute; top: calc(50% - 3px); height: 6px; border-radius: 3px; background: var(--accent); opacity: 0.35; min-width: 2px; }
.forest .point { position: absolute; top: calc(50% - 5px); width: 10px; height: 10px; margin-left: -5px; border-radius: 50%; background: var(--accent); }
.forest output { text-align: right; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 0.9rem; margin: 0.6rem 0 1rem; }
.grid.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.85rem 1rem; min-width: 0; break-inside: avoid; }
.card p { margin: 0.2rem 0 0.4rem; }
svg { display: block; width: 100%; height: auto; }
.legend { display: flex; flex-wrap: wrap; gap: 0.15rem 0.9rem; list-style: none; margin: 0 0 0.5rem; padding: 0; font-size: 0.8rem; color: var(--muted); }
.legend i { display: inline-block; width: 0.7rem; height: 0.7rem; border-radius: 2px; margin-right: 0.35rem; vertical-align: -0.06rem; }
.prefixes { display: grid; grid-template-columns: auto auto 1fr auto; gap: 0.35rem 0.8rem; align-items: center; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.9rem 1rem; }
.prefixes > * { min-width: 0; }
.prefixes header { display: contents; color: var(--muted); font-size: 0.8rem; }
.prefixes .number { text-align: right; }
.stack { display: flex; height: 1.15rem; border-radius: 3px; overflow: hidden; background: var(--series-rest); }
.stack i { display: block; height: 100%; }
code { font: 0.86em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: color-mix(in srgb, var(--line) 55%, transparent); border-radius: 4px; padding: 0.1em 0.35em; }
pre { margin: 0; padding: 0.9rem 1rem; overflow-x: auto; font: 0.8rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin: 0 0 0.9rem; }
summary { cursor: pointer; padding: 0.6rem 0.9rem; font-weight: 550; }
details > .grid { margin: 0; padding: 0 0.9rem 0.9rem; }
details .card > p { margin: 0; }
details .card { padding: 0.7rem 0; border: 0; }
details .card th, details .card td { padding: 0.2rem 0.45rem; font-size: 0.86rem; }
.example ol { margin: 0.15rem 0 0.7rem; padding-left: 1.7rem; font-size: 0.86rem; line-height: 1.4; }
.example li { padding: 0.08rem 0.3rem; border-radius: 4px; overflow-wrap: anywhere; }
.example li::marker { color: var(--muted); }
.example .target { border-left: 3px solid var(--accent); padding-left: 0.6rem; margin: 0 0 0.7rem; font-size: 0.9rem; }
.example .hit { background: var(--hit-back); color: var(--hit); font-weight: 600; }
.label { color: var(--muted); font-size: 0.76rem; margin: 0; }
footer { margin-top: 3rem; padding-top: 0.8rem; border-top: 1px solid var(--line); color: var(--muted); font-size: 0.85rem; }
@media (max-width: 34rem) {
  body { font-size: 14px; }
  main { padding: 1.4rem 0.8rem 3rem; }
  h1 { font-size: 1.5rem; }
  h2 { margin-top: 2.2rem; }
  th, td { padding: 0.4rem 0.4rem; font-size: 0.88rem; }
  th:first-child { min-width: 6.4rem; }
  .results tbody th small { display: none; }
  .results th, .results td { padding-inline: 0.3rem; }
  .results thead th { font-size: 0.74rem; }
  .results th:first-child { min-width: 5.6rem; padding-left: 0.5rem; }
  .facts { grid-template-columns: 1fr 1fr; }
  .forest div { grid-template-columns: 6.2rem 1fr 3.2rem; gap: 0.5rem; font-size: 0.88rem; }
  .prefixes { gap: 0.35rem 0.5rem; padding: 0.7rem; }
}
@media print {
  :root { --paper: #ffffff; }
  main { max-width: none; padding: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
  h2, h3 { break-after: avoid; }
  tr, .forest, .prefixes { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
