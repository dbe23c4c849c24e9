// The strip above the phones: how every delivery of the newest broadcast stands.
import { face } from './bubbles.js';
import { noticeBroadcast } from './guide.js';
import { element } from './markup.js';
import { phoneOf } from './phones.js';

// Where a delivery is, in the order of its way; the last lane is off the way.
const LANES = [
  ['Queued', ['queued', 'leased']],
  ['Sending', ['sending']],
  ['Accepted', ['accepted']],
  ['Delivered', ['delivered']],
  ['Read', ['read']],
  ['Needs a look', ['suspended', 'doubtful', 'failed', 'skipped', 'expired', 'recalled']],
];
const OFF_THE_WAY = LANES.length - 1;
const ORDER = ['read', 'delivered', 'accepted', 'sending', 'leased', 'queued', 'suspended', 'doubtful', 'skipped', 'expired', 'failed', 'recalled'];
const ARRIVED = new Set(['read', 'delivered', 'accepted']);
const UNDER_WAY = new Set(['queued', 'leased', 'sending']);
const MOST_TOKENS = 14; // in a lane
const MOST_NAMED = 4; // in the last one, where each has a line
const MOST_ROWS = 500;
const CHANNELS = { telegram: 'Telegram', whatsapp: 'WhatsApp' };
const plain = (state) => String(state).toLowerCase().replace(/[^a-z].*$/, '');
const place = (state) => (ORDER.includes(state) ? ORDER.indexOf(state) : ORDER.length);
const lane = (state) => {
  const found = LANES.findIndex(([, states]) => states.includes(state));
  return found === -1 ? OFF_THE_WAY : found;
};
const part = (id) => document.getElementById(id);
const still = matchMedia('(prefers-reduced-motion: reduce)');
const tokens = new Map();

let drawn = '';
let busy = false;

// Draws what is new; a second look at the same deliveries leaves the focus alone.
async function look() {
  const answer = await fetch('/sandbox/deliveries.json');
  if (!answer.ok) return;
  const text = await answer.text();
  if (text === drawn) return;
  drawn = text;
  const told = JSON.parse(text) ?? {};
  const rows = told.rows ?? [];
  part('deliveries').hidden = !rows.length;
  part('bar').hidden = !rows.length;
  const counts = new Map();
  for (const row of rows) counts.set(plain(row.state), (counts.get(plain(row.state)) ?? 0) + 1);
  busy = [...counts.keys()].some((state) => UNDER_WAY.has(state));
  const ordered = [...counts].sort((a, b) => place(a[0]) - place(b[0]));
  part('broadcast-title').textContent = told.broadcast?.title ?? '';
  part('delivery-summary').textContent = summary(ordered, rows.length, told.broadcast?.state);
  part('bar').replaceChildren(...ordered.map(([state, number]) => {
    const piece = element('span');
    piece.dataset.state = state;
    piece.style.setProperty('flex-grow', number);
    return piece;
  }));
  lanes(rows);
  unsent(told.not_sent ?? []);
  ledger(rows.slice(0, MOST_ROWS));
  noticeBroadcast(told.broadcast);
}

function summary(counts, all, state) {
  const sum = (states) => counts.reduce((n, [each, k]) => n + (states.has(each) ? k : 0), 0);
  const waiting = sum(UNDER_WAY);
  if (state === 'planned') return `planned for ${all.toLocaleString()}, waits for the editor’s yes`;
  const arrived = `${sum(ARRIVED).toLocaleString()} of ${all.toLocaleString()} arrived`;
  return waiting ? `${arrived}, ${waiting.toLocaleString()} under way` : arrived;
}

function chip(tag, state) {
  const node = element(tag, 'chip', state);
  node.dataset.state = plain(state);
  return node;
}

// --- lanes -------------------------------------------------------------------------

function lanes(rows) {
  const list = part('lanes');
  if (!list.children.length) list.append(...LANES.map(([name], index) => empty(name, index)));
  const before = still.matches ? new Map() : new Map([...tokens].map(([key, node]) => [key, node.getBoundingClientRect()]));
  const wanted = LANES.map(() => []);
  const seen = new Set();
  const all = LANES.map(() => 0);
  for (const row of rows) {
    const at = lane(plain(row.state));
    all[at] += 1;
    if (wanted[at].length >= (at === OFF_THE_WAY ? MOST_NAMED : MOST_TOKENS)) continue;
    let key = `${row.channel} ${row.recipient}`;
    while (seen.has(key)) key += ' again';
    seen.add(key);
    const node = tokens.get(key) ?? token(row);
    tokens.set(key, node);
    stand(node, row, at);
    wanted[at].push(node);
  }
  for (const [key, node] of tokens) {
    if (seen.has(key)) continue;
    node.remove();
    tokens.delete(key);
  }
  [...list.children].forEach((item, index) => {
    item.dataset.empty = all[index] === 0;
    item.querySelector('b').textContent = all[index].toLocaleString();
    arrange(item.querySelector('ul'), wanted[index]);
    const rest = all[index] - wanted[index].length;
    item.querySelector('.rest').textContent = rest ? `and ${rest.toLocaleString()} more` : '';
  });
  for (const [key, from] of before) move(tokens.get(key), from);
}

function empty(name, index) {
  const item = element('li', index === OFF_THE_WAY ? 'lane off' : 'lane');
  const head = element('p', 'lane-head');
  head.append(element('span', '', name), ' ', element('b', '', '0'));
  item.append(head, element('ul', 'tokens'), element('p', 'rest'));
  return item;
}

function token(row) {
  const item = element('li', 'token');
  const phone = phoneOf(row);
  const who = element(phone ? 'a' : 'span', `who ${row.channel}`);
  if (phone) who.href = `#${phone.id}`;
  const name = element('span', 'token-name', row.recipient);
  name.dir = 'auto';
  who.append(face(row.recipient, row.channel), name, element('span', 'unseen', ` on ${CHANNELS[row.channel] ?? row.channel}`));
  item.append(who);
  return item;
}

function stand(node, row, at) {
  node.dataset.state = plain(row.state);
  node.title = [row.recipient, CHANNELS[row.channel] ?? row.channel, row.words || row.state].join(' · ');
  let mark = node.querySelector('.chip');
  if (at !== OFF_THE_WAY) mark?.remove();
  else if (mark?.textContent !== row.state) {
    mark?.remove();
    mark = chip('span', row.state);
    node.append(mark);
  }
}

// Only what is in the wrong place moves, so that a link keeps its focus.
function arrange(list, nodes) {
  const held = document.activeElement;
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  if (held?.isConnected && held !== document.activeElement && list.contains(held)) held.focus({ preventScroll: true });
}

function move(node, from) {
  if (!node?.isConnected || !from.width) return;
  const to = node.getBoundingClientRect();
  const [x, y] = [from.left - to.left, from.top - to.top];
  if (!to.width || (Math.abs(x) < 1 && Math.abs(y) < 1)) return;
  node.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: 'none' }], { duration: 420, easing: 'cubic-bezier(.2, .7, .2, 1)' });
}

// --- in words ----------------------------------------------------------------------

function unsent(rows) {
  part('unsent').hidden = !rows.length;
  const list = part('unsent-rows');
  const text = JSON.stringify(rows);
  if (list.dataset.drawn === text) return;
  list.dataset.drawn = text;
  list.replaceChildren(...rows.slice(0, MOST_ROWS).map((row) => {
    const item = element('li');
    item.append(named(row), ` · ${[CHANNELS[row.channel] ?? row.channel, row.why].filter(Boolean).join(' · ')}`);
    return item;
  }));
}

// Rows are changed in place, so that a link keeps its focus while states move on.
function ledger(rows) {
  const list = part('delivery-rows');
  while (list.children.length > rows.length) list.lastChild.remove();
  rows.forEach((row, index) => {
    let item = list.children[index];
    if (item?.dataset.who !== `${row.channel} ${row.recipient}`) {
      const fresh = line(row);
      if (item) item.replaceWith(fresh);
      else list.append(fresh);
      item = fresh;
    }
    item.querySelector('.chip').replaceWith(chip('span', row.state));
    item.querySelector('.detail').textContent = [CHANNELS[row.channel] ?? row.channel, row.words || row.detail].filter(Boolean).join(' · ');
  });
}

function line(row) {
  const item = element('li', 'delivery');
  item.dataset.who = `${row.channel} ${row.recipient}`;
  item.append(named(row), chip('span', ''), element('span', 'detail'));
  return item;
}

function named(row) {
  const phone = phoneOf(row);
  const who = element(phone ? 'a' : 'span', 'who', row.recipient);
  if (phone) who.href = `#${phone.id}`;
  who.dir = 'auto';
  return who;
}

export async function watchDeliveries() {
  try {
    if (!document.hidden) await look();
  } catch { /* the next try is a moment away */ }
  setTimeout(watchDeliveries, busy ? 500 : 1200);
}
