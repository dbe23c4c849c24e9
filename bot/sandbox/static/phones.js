// The phones: one card for each chat, the list to jump by, and what arrives.
import { callName, draw, face } from './bubbles.js';
import { answered, lower, refresh } from './composer.js';
import { element } from './markup.js';
import { menu, refreshMenu } from './menu.js';
import { world } from './world.js';

const MOST_PHONES = 60;
const MOST_MESSAGES = 40;
const CHANNELS = { telegram: 'Telegram', whatsapp: 'WhatsApp' };
const KINDS = {
  private: 'private chat', group: 'group', supergroup: 'supergroup',
  channel: 'channel', whatsapp: 'conversation',
};
const phones = new Map();
let total = 0;
const part = (id) => document.getElementById(id);

// --- order --------------------------------------------------------------------

function rank(chat) {
  const silent = chat.messages && !chat.messages.length;
  const role = world.people.get(chat.person)?.role;
  if (role === 'editor') return 0;
  if (chat.note === 'became a supergroup') return 6;
  if (chat.kind !== 'private' && chat.kind !== 'whatsapp') return silent ? 4 : 1;
  return (role === 'keeper' ? 3 : 2) + (silent ? 3 : 0);
}

// The liveliest first, and one WhatsApp phone after every two of Telegram.
function woven(all) {
  const waiting = { telegram: [], whatsapp: [] };
  for (const chat of all) waiting[chat.channel].push(chat);
  for (const list of Object.values(waiting)) list.sort((a, b) => rank(a) - rank(b));
  const order = [];
  while (waiting.telegram.length || waiting.whatsapp.length) {
    order.push(...waiting.telegram.splice(0, 2), ...waiting.whatsapp.splice(0, 1));
  }
  return order;
}

// --- a phone -------------------------------------------------------------------

function phone(chat) {
  let known = phones.get(chat.id);
  if (!known) {
    if (phones.size >= MOST_PHONES) return null;
    known = build(chat);
    phones.set(chat.id, known);
    part('grid').append(known.item);
    part('chats').append(known.jump);
    watcher.observe(known.card);
  }
  known.chat = { ...known.chat, ...chat };
  known.title.textContent = chat.title;
  known.under.textContent = subtitle(known.chat);
  known.under.title = (chat.members_names ?? []).join(', ');
  const closed = world.people.get(chat.person)?.window === false && chat.kind === 'whatsapp' && !chat.note;
  known.note.textContent = chat.note || (closed ? 'window closed' : '');
  known.note.dataset.calm = chat.note === 'bot is administrator';
  known.note.hidden = !known.note.textContent;
  refresh(known);
  refreshMenu(known);
  return known;
}

function build(chat) {
  const known = { chat, bubbles: new Map(), rest: 0 };
  const item = element('li');
  const card = element('article', `phone ${chat.channel} ${chat.kind}`);
  card.id = `chat-${chat.id}`;
  card.tabIndex = -1;
  card.setAttribute('aria-label', named(chat));
  const head = element('header');
  const names = element('div', 'names');
  const title = element('h3', '', chat.title);
  title.dir = 'auto';
  const under = element('p', 'under');
  names.append(title, under);
  Object.assign(known, { item, card, title, under });
  head.append(face(chat.title, chat.channel), names);
  const note = element('p', 'note');
  const frame = element('div', 'frame');
  const screen = element('div', 'screen');
  screen.tabIndex = 0;
  screen.setAttribute('role', 'group');
  screen.setAttribute('aria-label', `Messages in ${named(chat)}`);
  screen.addEventListener('scroll', () => below(known), { passive: true });
  // Letters, scroll bars and windows change sizes; who has scrolled away stays there.
  new ResizeObserver(() => resting(known) && settle(known)).observe(screen);
  const list = element('ol', 'messages');
  list.dataset.empty = 'Nothing here yet';
  screen.append(list);
  const said = element('p', 'said');
  said.setAttribute('role', 'status');
  said.dir = 'auto';
  frame.append(screen, said);
  Object.assign(known, { note, frame, screen, list, said });
  known.lower = lower(known);
  card.append(head, menu(known, head), note, frame, known.lower);
  item.append(card);
  known.jump = jump(chat, card);
  return known;
}

function jump(chat, card) {
  const item = element('li');
  const anchor = element('a', `jump ${chat.channel}`);
  anchor.href = `#${card.id}`;
  const name = element('span', 'jump-name', callName(chat.title));
  name.dir = 'auto';
  anchor.append(face(chat.title, chat.channel), name, element('span', 'unseen', `, ${CHANNELS[chat.channel]}`));
  item.append(anchor);
  return item;
}

function named(chat) {
  return `${chat.title}, ${CHANNELS[chat.channel]} ${KINDS[chat.kind] ?? chat.kind}`;
}

function subtitle(chat) {
  const parts = [CHANNELS[chat.channel]];
  if (chat.channel === 'telegram') parts.push(KINDS[chat.kind] ?? chat.kind);
  if (chat.channel === 'telegram' && chat.kind !== 'private') {
    parts.push(`${chat.members} ${chat.members === 1 ? 'member' : 'members'}`);
  }
  if (chat.phone) parts.push(chat.phone);
  return parts.join(' · ');
}

// The phone a delivery is on; or the newest of that name, for a group may have moved.
export function phoneOf({ chat: id, recipient: title, channel }) {
  const known = phones.get(String(id));
  if (known) return known.card;
  return [...phones.values()].filter(({ chat }) => chat.title === title && chat.channel === channel).at(-1)?.card;
}

export function phoneOfRole(role) {
  const person = [...world.people.values()].find((each) => each.role === role);
  return person && phones.get(String(person.chat))?.card;
}

export const chatOf = (id) => phones.get(String(id))?.chat;

// Whether nobody has said anything in the chat *id* yet.
export const silent = (id) => !phones.get(String(id))?.bubbles.size;

// What a group's head says where the bot is not.
export const OUTSIDE = 'bot not here';

// The groups that a keeper runs, first those where the bot is not.
export function groupsOf(person) {
  if (world.people.get(person)?.role !== 'keeper') return [];
  return [...phones.values()].map(({ chat }) => chat).filter((chat) => /group/.test(chat.kind) && (chat.can_write ?? []).includes(person))
    .sort((a, b) => Number(b.note === OUTSIDE) - Number(a.note === OUTSIDE));
}

// --- messages --------------------------------------------------------------------

function bubble(known, message) {
  const old = known.bubbles.get(message.id);
  if (message.deleted) {
    if (old?.node.contains(document.activeElement)) known.screen.focus({ preventScroll: true });
    old?.node.remove();
    known.bubbles.delete(message.id);
    return;
  }
  const text = JSON.stringify(message);
  if (old?.text === text) return;
  // An edit brings nothing back that was too old to be kept.
  const [oldest] = known.bubbles.values();
  if (!old && known.bubbles.size >= MOST_MESSAGES && message.time < oldest.time) return;
  const node = draw(known.chat, message);
  if (old) replace(known, old.node, node);
  else known.list.append(node);
  known.bubbles.set(message.id, { node, text, time: message.time });
  while (known.bubbles.size > MOST_MESSAGES) {
    const [first, gone] = known.bubbles.entries().next().value;
    gone.node.remove();
    known.bubbles.delete(first);
  }
}

// The focus goes to the same button of the new bubble, or at least stays on the phone.
function replace(known, old, node) {
  const held = document.activeElement;
  const inside = old.contains(held);
  node.classList.add('again');
  old.replaceWith(node);
  if (!inside) return;
  const same = [...node.querySelectorAll('button')].find((each) => each.textContent === held.textContent);
  (same ?? known.screen).focus({ preventScroll: true });
}

// Shows the end of the chat; of a message longer than the screen, its headline.
function settle(known) {
  const { screen, list } = known;
  const last = list.lastElementChild;
  if (last && last.offsetHeight > screen.clientHeight - 32 && !last.querySelector('button.button')) screen.scrollTop = last.offsetTop - 6;
  else screen.scrollTop = screen.scrollHeight;
  known.rest = screen.scrollTop;
  below(known);
}

// Whether a chat is where we left it, or at its end: then it follows what comes.
function resting({ screen, rest }) {
  const left = screen.scrollHeight - screen.scrollTop - screen.clientHeight;
  return left < 40 || Math.abs(screen.scrollTop - rest) < 3;
}

function below({ frame, screen }) {
  frame.dataset.below = screen.scrollHeight - screen.scrollTop - screen.clientHeight > 12;
}

// --- what the page is told ---------------------------------------------------------

const seen = new Set();
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const known = phones.get(target.id.slice('chat-'.length));
    if (isIntersecting) {
      seen.add(target.id);
      known?.jump.removeAttribute('data-new');
    } else seen.delete(target.id);
    const name = known?.jump.firstElementChild;
    if (name) name.toggleAttribute('data-here', isIntersecting);
  }
}, { threshold: 0.5 });

export function begin(state) {
  total = state.total;
  const stay = document.activeElement?.closest('.phone')?.id;
  phones.clear();
  part('grid').replaceChildren();
  part('chats').replaceChildren();
  for (const chat of woven(state.chats)) {
    const known = phone(chat);
    if (known) chat.messages.forEach((message) => bubble(known, message));
  }
  counted();
  requestAnimationFrame(() => phones.forEach(settle));
  if (stay) document.getElementById(stay)?.focus({ preventScroll: true });
}

export function update(bundle) {
  if (bundle.total !== undefined) total = bundle.total;
  (bundle.chats ?? []).forEach(phone);
  if (bundle.people) {
    for (const known of phones.values()) {
      const person = world.people.get(known.chat.person);
      if (person && known.chat.kind === 'private') Object.assign(known.chat, { started: person.started, blocked: person.blocked });
      refresh(known);
      refreshMenu(known);
    }
  }
  // All is measured before anything changes: a hundred phones at once are laid out once.
  const reached = new Set((bundle.messages ?? []).map(({ chat }) => phones.get(chat)).filter(Boolean));
  const followers = [...reached].filter(resting);
  for (const message of bundle.messages ?? []) {
    const known = phones.get(message.chat);
    if (!known) continue;
    if (!known.bubbles.has(message.id) && message.outgoing && !seen.has(known.card.id)) known.jump.dataset.new = 'true';
    bubble(known, message);
  }
  followers.forEach(settle);
  for (const answer of bundle.answers ?? []) {
    const known = phones.get(answer.chat);
    if (known) answered(known, answer);
  }
  counted();
}

function counted() {
  part('empty').hidden = phones.size > 0;
  part('switcher').hidden = !phones.size;
  const more = part('more');
  const hidden = total - phones.size;
  more.hidden = hidden <= 0;
  more.textContent = `${hidden} more ${hidden === 1 ? 'chat is' : 'chats are'} not shown.`;
}
