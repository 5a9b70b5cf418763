// The page: a history, what one or two models generate for it, and the running experiments. All that it shows comes from the service
// and goes into the page as text, never as markup.

const at = (id) => document.getElementById(id);

/** An element with properties and children; strings are text. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** What tells an item apart besides its title. */
const detailsOf = ({ item, title, brand }) =>
  [!title?.startsWith(brand) && brand, title && item].filter(Boolean).join(' · ');

const signed = (value, digits = 1) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;

// --- What the page knows

/** Picked items, oldest first: { item, title? }. */
let history = [];
let models = [];
/** Answers by column: { model, answer?, error?, milliseconds }. */
let lists = [];

// --- Asking the service

class KeyNeeded extends Error {}

async function ask(path, { body, signal } = {}) {
  const key = sessionStorage.getItem('key');
  const response = await fetch(path, {
    signal,
    headers: { ...(body && { 'content-type': 'application/json' }), ...(key && { 'x-api-key': key }) },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  }).catch((error) => {
    if (error.name === 'AbortError') throw error;
    throw new Error('The service cannot be reached.');
  });
  if (response.status === 401) throw new KeyNeeded('The service asks for an API key.');
  const answer = await response.json().catch(() => ({ error: `the service answered ${response.status}` }));
  if (response.ok) return answer;
  throw new Error(`${answer.error.replace(/^./, (first) => first.toUpperCase())}.`.replace(/\.\.$/, '.'));
}

/** Runs something that asks; what goes wrong is said at the top of the page. */
async function attempt(run) {
  try {
    await run();
    at('alert').hidden = true;
  } catch (error) {
    if (error.name === 'AbortError') return;
    if (error instanceof KeyNeeded) {
      at('key-form').hidden = false;
      at('key').focus();
    }
    at('alert').textContent = error.message;
    at('alert').hidden = false;
  }
}

at('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('key', at('key').value);
  at('key').value = '';
  at('key-form').hidden = true;
  void start();
});

// --- Search: a combobox after the ARIA pattern

const search = at('search');
const found = at('found');
let results = [];
let active = -1;
let searching = new AbortController();

function showResults() {
  const options = results.map(({ item, title, brand }, i) =>
    make(
      'div',
      { className: 'option', role: 'option', id: `found-${i}`, ariaSelected: String(i === active) },
      make('span', {}, title ?? item),
      make('small', {}, detailsOf({ item, title, brand })),
    ),
  );
  found.replaceChildren(
    ...(options.length ? options : [make('div', { className: 'option none' }, 'Nothing has these words.')]),
  );
  found.hidden = false;
  search.ariaExpanded = 'true';
  if (active >= 0) {
    search.setAttribute('aria-activedescendant', `found-${active}`);
    found.children[active].scrollIntoView({ block: 'nearest' });
  } else search.removeAttribute('aria-activedescendant');
}

function closeResults() {
  searching.abort();
  found.hidden = true;
  active = -1;
  search.ariaExpanded = 'false';
  search.removeAttribute('aria-activedescendant');
}

function lookUp() {
  searching.abort();
  searching = new AbortController();
  const { signal } = searching;
  return attempt(async () => {
    const query = new URLSearchParams({ query: search.value, limit: '12', model: at('model-a').value });
    const answer = await ask(`/items?${query}`, { signal });
    results = answer.items;
    active = search.value.trim() === '' || results.length === 0 ? -1 : 0;
    showResults();
  });
}

function pick(result) {
  if (!result) return;
  history.push({ item: result.item, title: result.title });
  search.value = '';
  closeResults();
  search.focus();
  changed();
}

search.addEventListener('input', lookUp);
search.addEventListener('click', lookUp);
search.addEventListener('blur', closeResults);
search.addEventListener('keydown', (event) => {
  const isOpen = !found.hidden;
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    if (!isOpen) return void lookUp();
    if (results.length === 0) return;
    const step = event.key === 'ArrowDown' ? 1 : -1;
    active = active < 0 ? (step > 0 ? 0 : results.length - 1) : (active + step + results.length) % results.length;
    showResults();
  } else if (event.key === 'Enter') {
    event.preventDefault();
    if (isOpen && active >= 0) pick(results[active]);
  } else if (event.key === 'Escape') closeResults();
  else if (event.key === 'Backspace' && search.value === '' && history.length > 0) {
    history.pop();
    changed();
  }
});
// A press must not take the focus from the field, or the list is gone before it is released.
found.addEventListener('pointerdown', (event) => event.preventDefault());
found.addEventListener('click', (event) => {
  const option = event.target.closest('[role="option"]');
  if (option) pick(results[Number(option.id.slice('found-'.length))]);
});

// --- History

function showHistory() {
  at('history').replaceChildren(
    ...history.map(({ item, title }, place) =>
      make(
        'li',
        {},
        make('span', { title: title ?? item }, title ?? item),
        make('button', { type: 'button', ariaLabel: `Remove ${title ?? item}`, onclick: () => remove(place) }, '×'),
      ),
    ),
  );
  at('history-hint').hidden = history.length > 0;
  at('history-tools').hidden = history.length === 0;
}

function remove(place) {
  history.splice(place, 1);
  changed();
  const buttons = at('history').querySelectorAll('button');
  (buttons[Math.min(place, buttons.length - 1)] ?? search).focus();
}

at('clear').addEventListener('click', () => {
  history = [];
  changed();
  search.focus();
});

/** Three items that go together: one at random, and what the model would list after it. */
at('example').addEventListener('click', () =>
  attempt(async () => {
    const model = at('model-a').value;
    const { items } = await ask(`/items?${new URLSearchParams({ limit: '100', model })}`);
    const first = items[Math.floor(Math.random() * items.length)];
    if (!first) throw new Error('The model has no items.');
    const { recommendations } = await ask('/recommend', { body: { model, history: [first.item], k: 2 } });
    history = [first, ...recommendations].map(({ item, title }) => ({ item, title }));
    changed();
  }),
);

// --- Lists

let generating = new AbortController();
let waiting;

/** Something that lists depend on is another: the address says it, and the lists follow in a moment. */
function changed() {
  showHistory();
  writeAddress();
  clearTimeout(waiting);
  waiting = setTimeout(generate, 120);
}

const chosen = () => [at('model-a').value, at('model-b').value].filter((name) => name !== '');
const isTiger = (name) => models.find((model) => model.name === name)?.beamWidth !== undefined;

async function generate() {
  generating.abort();
  generating = new AbortController();
  const { signal } = generating;
  const names = chosen();
  at('beam-label').hidden = !names.some(isTiger);
  if (history.length === 0) {
    lists = [];
    return showLists(names);
  }
  for (const card of at('lists').children) card.ariaBusy = 'true';
  const options = readOptions();
  const answers = names.map(async (model) => {
    const started = performance.now();
    const { beamWidth, ...rest } = options;
    const body = {
      model,
      history: history.map(({ item }) => item),
      ...rest,
      ...(beamWidth && isTiger(model) && { beamWidth }),
      skipUnknown: true,
    };
    try {
      const answer = await ask('/recommend', { body, signal });
      return { model, answer, milliseconds: performance.now() - started };
    } catch (error) {
      if (error.name === 'AbortError' || error instanceof KeyNeeded) throw error;
      return { model, error: error.message };
    }
  });
  await attempt(async () => {
    lists = await Promise.all(answers);
    showLists(names);
  });
}

function readOptions() {
  const number = (id) => {
    const field = at(id);
    return field.value !== '' && field.validity.valid ? Number(field.value) : undefined;
  };
  const beamWidth = number('beam');
  return { k: number('k') ?? 10, keepHistory: at('keep').checked, ...(beamWidth && { beamWidth }) };
}

function showLists(names) {
  if (lists.length === 0) {
    const said = names.length > 1 ? 'What the two models generate' : 'What the model generates';
    at('lists').replaceChildren(make('p', { className: 'muted' }, `${said} for the history will be here.`));
    at('legend').hidden = true;
    return;
  }
  const places = lists.map(
    ({ answer }) => new Map(answer?.recommendations.map(({ item }, place) => [item, place + 1]) ?? []),
  );
  at('lists').replaceChildren(...lists.map((list, i) => listCard(list, lists.length > 1 ? places[1 - i] : undefined)));
  at('legend').hidden = !lists.some(({ answer }) => answer?.recommendations.some(({ codes }) => codes));
}

/** @param others  places of items in the other list */
function listCard({ model, answer, error, milliseconds }, others) {
  const about = models.find(({ name }) => name === model);
  const heading = make(
    'header',
    {},
    make('h3', {}, model),
    make(
      'small',
      {},
      [about && about.kind !== model && about.kind, milliseconds && `${Math.round(milliseconds)} ms`]
        .filter(Boolean)
        .join(' · '),
    ),
  );
  const card = (...content) =>
    make('article', { className: 'card list', ariaBusy: 'false', ariaLabel: `List of ${model}` }, heading, ...content);
  if (error) return card(make('p', { className: 'error', role: 'alert' }, error));
  const { recommendations, unknown } = answer;
  const passedOver = unknown && make('p', { className: 'muted' }, `Does not know ${unknown.join(', ')}.`);
  if (recommendations.length === 0)
    return card(passedOver, make('p', { className: 'muted' }, 'Nothing is left to list.'));
  const scores = recommendations.map(({ score }) => score);
  const [best, least] = [Math.max(...scores), Math.min(...scores)];
  return card(
    passedOver,
    recommendations[0].prefixScores && treeOf(recommendations),
    make(
      'ol',
      {},
      ...recommendations.map((entry, i) => {
        const { item, title, score, codes, prefixScores } = entry;
        const other = others?.get(item);
        return make(
          'li',
          {},
          make('span', { className: 'place' }, String(i + 1)),
          make('span', { className: 'title' }, title ?? item, make('small', {}, detailsOf(entry))),
          make(
            'span',
            { className: 'score' },
            signed(score, 3).replace('+', ''),
            other &&
              make(
                'small',
                {},
                make('span', { className: 'shared', title: 'Its place in the other list' }, `other list: ${other}`),
              ),
          ),
          prefixScores ? codeBoxes(codes, prefixScores) : scoreBar(best > least ? (score - least) / (best - least) : 1),
        );
      }),
    ),
  );
}

/** A probability from its logarithm, which rounding may have left a little above 0. */
const percentOf = (logarithm) => 100 * Math.min(1, Math.exp(logarithm));

function codeBoxes(codes, prefixScores) {
  const boxes = codes.map((code, level) => {
    const percent = percentOf(prefixScores[level] - (level > 0 ? prefixScores[level - 1] : 0));
    const bar = make('i', {});
    bar.style.width = `${percent}%`;
    const said = `level ${level + 1}: code ${code}, ${percent.toPrecision(3)} %`;
    return make('span', { className: 'code', title: said, role: 'img', ariaLabel: said }, String(code), bar);
  });
  return make('span', { className: 'codes' }, ...boxes);
}

function draw(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Groups in the order of their first members. */
function groupBy(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return [...groups.values()];
}

/**
 * The beams that were left in the end: items whose IDs begin with the same codes branch off the same line, the likelier above. Lines are
 * drawn in levels and rows, and codes are placed in percent, so that the tree takes whatever width it is given.
 */
function treeOf(recommendations) {
  const depth = recommendations[0].codes.length;
  const numRows = recommendations.length;
  const grow = (rows, level) => ({
    level,
    rows,
    score: level === 0 ? 0 : rows[0].prefixScores[level - 1],
    code: level === 0 ? undefined : rows[0].codes[level - 1],
    children:
      level === depth
        ? []
        : groupBy(rows, ({ codes }) => codes[level])
            .map((group) => grow(group, level + 1))
            .sort((a, b) => b.score - a.score),
  });
  const root = grow(
    recommendations.map((entry, i) => ({ ...entry, place: i + 1 })),
    0,
  );
  const lines = [];
  const codes = [];
  const leaves = [];

  /** @returns where the node is, in rows; rows have their middle at a half */
  function lay(node) {
    const children = node.children.map((child) => [child, lay(child)]);
    const y = children.length ? (children[0][1] + children.at(-1)[1]) / 2 : leaves.length + 0.5;
    for (const [child, below] of children) {
      // Bent at first, then level: the code stands on the level part.
      const path = `M${node.level} ${y}c.25 0 .2 ${below - y} .45 ${below - y}h.55`;
      lines.push(draw('path', { d: path, 'stroke-width': 0.8 + 7 * Math.sqrt(Math.exp(child.score)) }));
      const place = { x: `${(100 * child.level) / depth}%`, y: `${(100 * below) / numRows}%`, dx: -3, dy: -4 };
      const chance = `${Number(percentOf(child.score - node.score).toPrecision(2))} %`;
      const words = [`${child.code} `, draw('tspan', { class: 'chance' }, chance)];
      codes.push(draw('text', { ...place, 'text-anchor': 'end' }, ...words));
    }
    if (node.level === depth) {
      const [{ place, title, item }] = node.rows;
      const name = make('span', { className: 'name', title: title ?? item }, title ?? item);
      leaves.push(make('div', { className: 'leaf' }, make('span', { className: 'place' }, String(place)), name));
    }
    return y;
  }
  lay(root);
  const box = { viewBox: `0 0 ${depth} ${numRows}`, preserveAspectRatio: 'none', class: 'lines' };
  const tree = make(
    'figure',
    { className: 'tree', role: 'img', ariaLabel: 'The codes of the list as a tree, level by level' },
    draw('svg', {}, draw('svg', box, ...lines), ...codes),
    make('div', {}, ...leaves),
  );
  tree.style.setProperty('--levels', depth);
  tree.style.setProperty('--rows', numRows);
  return tree;
}

/** Where a score stands between the list's least and best. */
function scoreBar(share) {
  const bar = make('i', {});
  bar.style.width = `${Math.max(2, 100 * share)}%`;
  return make('span', { className: 'bar', ariaHidden: 'true' }, bar);
}

at('options').addEventListener('submit', (event) => event.preventDefault());
at('options').addEventListener('input', changed);

// --- The address holds what is shown, so that it can be sent to somebody

function writeAddress() {
  const { k, beamWidth, keepHistory } = readOptions();
  const shown = new URLSearchParams();
  if (history.length > 0) shown.set('history', history.map(({ item }) => item).join(','));
  if (at('model-a').value !== models[0]?.name) shown.set('a', at('model-a').value);
  if (at('model-b').value !== (models[1]?.name ?? '')) shown.set('b', at('model-b').value);
  if (k !== 10) shown.set('k', k);
  if (beamWidth) shown.set('beam', beamWidth);
  if (keepHistory) shown.set('keep', '1');
  window.history.replaceState(null, '', shown.size > 0 ? `#${shown}` : location.pathname);
}

async function readAddress() {
  const shown = new URLSearchParams(location.hash.slice(1));
  const choose = (id, name) => {
    if ([...at(id).options].some(({ value }) => value === name)) at(id).value = name;
  };
  choose('model-a', shown.get('a') ?? models[0].name);
  choose('model-b', shown.get('b') ?? models[1]?.name ?? '');
  if (shown.has('k')) at('k').value = shown.get('k');
  if (shown.has('beam')) at('beam').value = shown.get('beam');
  at('keep').checked = shown.has('keep');
  const ids = (shown.get('history') ?? '').split(',').filter((id) => id !== '');
  const model = at('model-a').value;
  history = await Promise.all(
    ids.map((item) =>
      ask(`/items/${encodeURIComponent(item)}?${new URLSearchParams({ model })}`).then(
        ({ title }) => ({ item, title }),
        (error) => {
          if (error instanceof KeyNeeded) throw error;
          return { item };
        },
      ),
    ),
  );
}

window.addEventListener('hashchange', () => attempt(() => readAddress().then(changed)));

// --- Experiments

async function showExperiments() {
  const { experiments } = await ask('/experiments');
  if (experiments.length === 0) {
    at('experiments').replaceChildren(make('p', { className: 'muted' }, 'No experiment is running.'));
    return;
  }
  at('experiments').replaceChildren(...experiments.map(experimentCard));
}

function experimentCard({ name, treatments, metrics }) {
  return make(
    'article',
    { className: 'card experiment' },
    make('h3', {}, name),
    make(
      'ul',
      { className: 'treatments' },
      ...treatments.map(({ treatment, policy }) =>
        make('li', {}, make('b', {}, treatment), policy ? ` ${policy}` : ''),
      ),
    ),
    ...(metrics.length > 0
      ? metrics.flatMap(metricRows)
      : [make('p', { className: 'muted' }, 'Nothing has been measured yet.')]),
  );
}

/** A metric's treatments with their intervals on one scale, which has zero in it. */
function metricRows({ metric, treatments }) {
  const effects = treatments.flatMap(({ effect }) => effect ?? []);
  const low = Math.min(0, ...effects.map((effect) => effect.low));
  const high = Math.max(0, ...effects.map((effect) => effect.high));
  const place = (value) => `${(100 * (value - low)) / (high - low || 1)}%`;
  const rows = treatments.map(({ treatment, users, mean, effect }) => {
    const track = make('span', { className: 'track', ariaHidden: 'true' });
    if (effect) {
      const [zero, range, point] = ['zero', 'range', 'point'].map((className) => make('span', { className }));
      zero.style.left = place(0);
      range.style.left = place(effect.low);
      range.style.width = `${(100 * (effect.high - effect.low)) / (high - low || 1)}%`;
      point.style.left = place(effect.percent);
      track.append(zero, range, point);
    }
    const words = effect
      ? `${signed(effect.percent)} % [${signed(effect.low)}, ${signed(effect.high)}]`
      : `control, ${users.toLocaleString('en')} users`;
    const isUnsure = !effect?.isSignificant;
    return make(
      'div',
      { className: `effect${isUnsure ? ' unsure' : ''}`, title: `${users.toLocaleString('en')} users` },
      make('b', {}, treatment),
      make('output', {}, Number(mean.toPrecision(4)).toString()),
      effect ? track : make('span', {}),
      make('span', { className: isUnsure ? 'words muted' : 'words' }, words),
    );
  });
  return [make('h4', {}, metric.replaceAll('_', ' ')), ...rows];
}

// --- Start

async function start() {
  await attempt(async () => {
    ({ models } = await ask('/models'));
    const options = () => models.map(({ name }) => make('option', { value: name }, name));
    at('model-a').replaceChildren(...options());
    at('model-b').replaceChildren(make('option', { value: '' }, 'nothing'), ...options());
    const [{ numItems, beamWidth }] = models;
    at('lead').textContent = `What comes next of ${numItems.toLocaleString('en')} items, and how the model got there.`;
    at('beam').placeholder = beamWidth ?? models.find((model) => model.beamWidth)?.beamWidth ?? '';
    await readAddress();
    showHistory();
    await Promise.all([generate(), showExperiments()]);
  });
}

void start();
// What is measured grows while somebody looks on.
setInterval(() => {
  if (document.visibilityState === 'visible') showExperiments().catch(() => {});
}, 15_000);
