// The strip above the phones: how every delivery of the newest broadcast stands.
import { element } from './markup.js';

const ORDER = ['read', 'delivered', 'accepted', 'sending', 'leased', 'queued', 'suspended', 'doubtful', 'skipped', 'expired', 'failed', 'recalled'];
const ARRIVED = new Set(['read', 'delivered', 'accepted']);
const UNDER_WAY = new Set(['queued', 'leased', 'sending']);
const MOST_ROWS = 500;
const CHANNELS = { telegram: 'Telegram', whatsapp: 'WhatsApp' };
const place = (state) => (ORDER.includes(state) ? ORDER.indexOf(state) : ORDER.length);
const plain = (state) => String(state).toLowerCase().replace(/[^a-z].*$/, '');
const part = (id) => document.getElementById(id);

let drawn = '';

// Draws what is new; a second look at the same deliveries leaves the focus alone.
async function look(phoneOf) {
  const answer = await fetch('/sandbox/deliveries.json');
  const text = answer.ok ? await answer.text() : '[]';
  if (text === drawn) return;
  drawn = text;
  const rows = JSON.parse(text) ?? [];
  part('deliveries').hidden = !rows.length;
  const counts = new Map();
  for (const row of rows) counts.set(plain(row.state), (counts.get(plain(row.state)) ?? 0) + 1);
  const ordered = [...counts].sort((a, b) => place(a[0]) - place(b[0]));
  part('delivery-summary').textContent = summary(ordered, rows.length);
  part('counts').replaceChildren(...ordered.map(([state, number]) => {
    const item = chip('li', state);
    item.replaceChildren(element('b', '', number.toLocaleString()), ` ${state}`);
    return item;
  }));
  part('bar').replaceChildren(...ordered.map(([state, number]) => {
    const piece = element('span');
    piece.dataset.state = state;
    piece.style.setProperty('flex-grow', number);
    return piece;
  }));
  ledger(rows.slice(0, MOST_ROWS), phoneOf);
}

function summary(counts, all) {
  const sum = (states) => counts.reduce((n, [state, k]) => n + (states.has(state) ? k : 0), 0);
  const waiting = sum(UNDER_WAY);
  const arrived = `${sum(ARRIVED).toLocaleString()} of ${all.toLocaleString()} arrived`;
  return waiting ? `${arrived}, ${waiting.toLocaleString()} under way` : arrived;
}

function chip(tag, state) {
  const node = element(tag, 'chip', state);
  node.dataset.state = plain(state);
  return node;
}

// Rows are changed in place, so that a link keeps its focus while states move on.
function ledger(rows, phoneOf) {
  const list = part('delivery-rows');
  while (list.children.length > rows.length) list.lastChild.remove();
  rows.forEach((row, index) => {
    let item = list.children[index];
    if (item?.dataset.who !== `${row.channel} ${row.recipient}`) {
      const fresh = line(row, phoneOf);
      if (item) item.replaceWith(fresh);
      else list.append(fresh);
      item = fresh;
    }
    item.querySelector('.chip').replaceWith(chip('span', row.state));
    item.querySelector('.detail').textContent = [CHANNELS[row.channel] ?? row.channel, row.detail].filter(Boolean).join(' · ');
  });
}

function line(row, phoneOf) {
  const item = element('li', 'delivery');
  item.dataset.who = `${row.channel} ${row.recipient}`;
  const phone = phoneOf(row.recipient, row.channel);
  const who = element(phone ? 'a' : 'span', 'who', row.recipient);
  if (phone) who.href = `#${phone.id}`;
  who.dir = 'auto';
  item.append(who, chip('span', row.state), element('span', 'detail'));
  return item;
}

export async function watchDeliveries(phoneOf) {
  try {
    if (!document.hidden) await look(phoneOf);
  } catch { /* the next try is a moment away */ }
  setTimeout(watchDeliveries, 1000, phoneOf);
}

part('delivery-details').open = matchMedia('(min-width: 48rem)').matches;
