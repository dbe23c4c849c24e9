// The page of phones: draws the state once, then follows the stream.
import { watchDeliveries } from './deliveries.js';
import { element, telegramText, whatsappText } from './markup.js';

const MOST_PHONES = 60;
const MOST_MESSAGES = 40;
const CHANNELS = { telegram: 'Telegram', whatsapp: 'WhatsApp' };
const phones = new Map();
let total = 0;

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const TICKS = {
  queued: '◷', accepted: '◷', sent: '✓', delivered: '✓✓', read: '✓✓',
  failed: '!', undelivered: '!',
};
const KINDS = {
  private: 'private chat', group: 'group', supergroup: 'supergroup',
  channel: 'channel', whatsapp: 'conversation',
};

function hue(text) {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

function initials(title) {
  const words = title.trim().split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  return words.slice(0, 2).map((word) => [...word][0]).join('');
}

function phone(chat) {
  let known = phones.get(chat.id);
  if (!known) {
    if (phones.size >= MOST_PHONES) return null;
    const item = element('li');
    const card = element('article', `phone ${chat.channel} ${chat.kind}`);
    card.id = `chat-${chat.id}`;
    card.tabIndex = -1;
    card.setAttribute('aria-label', named(chat));
    const face = element('span', 'face', initials(chat.title));
    face.setAttribute('aria-hidden', 'true');
    face.style.setProperty('--hue', hue(chat.id));
    const head = element('header');
    const names = element('div', 'names');
    const title = element('h3', '', chat.title);
    title.dir = 'auto';
    const under = element('p', 'under');
    names.append(title, under);
    head.append(face, names);
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
    screen.append(list);
    frame.append(screen);
    const keys = element('div', 'keys');
    keys.hidden = true;
    card.append(head, note, frame, keys);
    item.append(card);
    document.getElementById(`${chat.channel}-grid`).append(item);
    known = { chat, card, title, under, note, frame, screen, list, keys, bubbles: new Map(), rest: 0 };
    phones.set(chat.id, known);
  }
  known.chat = chat;
  known.title.textContent = chat.title;
  known.under.textContent = subtitle(chat);
  known.note.textContent = chat.note;
  known.note.hidden = !chat.note;
  keyboard(known, chat.keyboard);
  return known;
}

function named(chat) {
  return `${chat.title}, ${CHANNELS[chat.channel]} ${KINDS[chat.kind] ?? chat.kind}`;
}

// The phone a delivery is on: the newest of that name, for a group may have moved.
function phoneOf(title, channel) {
  const same = [...phones.values()].filter(({ chat }) => chat.title === title && chat.channel === channel);
  return same.at(-1)?.card;
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

function keyboard(known, rows) {
  known.keys.hidden = !rows.length;
  known.keys.replaceChildren(...rows.map((row) => {
    const line = element('ul');
    line.append(...row.map((label) => {
      const key = element('li', 'key', label);
      key.dir = 'auto';
      return key;
    }));
    return line;
  }));
}

function bubble(known, message) {
  const old = known.bubbles.get(message.id);
  if (message.deleted) {
    old?.remove();
    known.bubbles.delete(message.id);
    return;
  }
  const item = draw(known.chat, message);
  const follow = resting(known);
  if (old) old.replaceWith(item);
  else known.list.append(item);
  known.bubbles.set(message.id, item);
  while (known.bubbles.size > MOST_MESSAGES) {
    const [first, node] = known.bubbles.entries().next().value;
    node.remove();
    known.bubbles.delete(first);
  }
  if (follow) settle(known);
}

// Shows the end of the chat; of a message longer than the screen, its headline.
function settle(known) {
  const { screen, list } = known;
  const last = list.lastElementChild;
  if (last && last.offsetHeight > screen.clientHeight - 32) screen.scrollTop = last.offsetTop - 6;
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

function draw(chat, message) {
  if (message.service) {
    const line = element('li', 'service');
    line.append(element('span', '', message.service));
    return line;
  }
  const whatsapp = chat.channel === 'whatsapp';
  const mine = !message.outgoing && (chat.kind === 'private' || whatsapp);
  const ghost = message.status === 'failed' || message.status === 'undelivered';
  const item = element('li', `bubble ${mine ? 'mine' : 'theirs'}${ghost ? ' ghost' : ''}`);
  if (!mine && !whatsapp && chat.kind !== 'private' && chat.kind !== 'channel') {
    const sender = element('p', 'sender', message.sender);
    sender.dir = 'auto';
    sender.style.setProperty('--hue', hue(message.sender));
    item.append(sender);
  } else {
    item.append(element('span', 'unseen', `${mine ? chat.title : message.sender}: `));
  }
  if (ghost) item.append(element('p', 'ghost-note', `Never arrived${message.error ? `: error ${message.error}` : ''}`));
  if (message.thread) item.append(element('p', 'thread', `# ${message.thread}`));
  if (message.reply) {
    const reply = element('p', 'reply', message.reply);
    reply.dir = 'auto';
    item.append(reply);
  }
  if (message.photo) item.append(element('div', 'photo', 'Photo'));
  const text = element('div', 'text');
  text.dir = 'auto';
  text.append(whatsapp ? whatsappText(message.text) : telegramText(message.text, message.entities));
  item.append(text, meta(message, whatsapp));
  const rows = message.options.length ? message.options.map((label) => [{ text: label }]) : message.buttons;
  if (rows.length) item.append(buttons(rows));
  return item;
}

function meta(message, whatsapp) {
  const line = element('p', 'meta');
  if (message.edited) line.append(element('span', 'edited', 'edited'), ' ');
  const moment = new Date(message.time * 1000);
  const stamp = element('time', '', time.format(moment));
  stamp.dateTime = moment.toISOString();
  line.append(stamp);
  if (whatsapp && message.status) {
    const tick = element('span', `tick ${message.status}`, TICKS[message.status] ?? '');
    tick.setAttribute('aria-hidden', 'true');
    line.append(' ', tick, element('span', 'unseen', ` ${message.status}`));
    line.title = message.status;
  }
  return line;
}

function buttons(rows) {
  const box = element('div', 'buttons');
  for (const row of rows) {
    const line = element('ul');
    for (const button of row) {
      const key = element('li', 'button');
      key.dir = 'auto';
      key.append(button.text);
      if (button.url) key.append(element('span', 'arrow', ' ↗'));
      line.append(key);
    }
    box.append(line);
  }
  return box;
}

function counted() {
  document.getElementById('empty').hidden = phones.size > 0;
  for (const channel of Object.keys(CHANNELS)) {
    const number = document.getElementById(`${channel}-grid`).children.length;
    document.getElementById(`${channel}-count`).textContent = number;
    document.getElementById(channel).hidden = !number;
  }
  const more = document.getElementById('more');
  const hidden = total - phones.size;
  more.hidden = hidden <= 0;
  more.textContent = `${hidden} more ${hidden === 1 ? 'chat is' : 'chats are'} not shown.`;
}

const news = document.getElementById('news');
let announced = 0;
function announce(messages) {
  const arrived = messages.filter((message) => !message.deleted && !message.edited);
  if (!arrived.length || Date.now() - announced < 3000) return;
  announced = Date.now();
  const titles = new Set(arrived.map((m) => phones.get(m.chat)?.chat.title).filter(Boolean));
  if (titles.size) news.textContent = `New messages in ${[...titles].slice(0, 3).join(', ')}`;
}

const line = document.getElementById('link');
function connection(state, text) {
  line.dataset.state = state;
  line.textContent = text;
}

async function begin() {
  const state = await (await fetch('/sandbox/state')).json();
  phones.clear();
  for (const channel of Object.keys(CHANNELS)) document.getElementById(`${channel}-grid`).replaceChildren();
  total = state.total;
  for (const chat of state.chats) {
    const known = phone(chat);
    if (known) chat.messages.forEach((message) => bubble(known, message));
  }
  counted();
  requestAnimationFrame(() => phones.forEach(settle));
  follow(state.seq);
}

function follow(since) {
  const stream = new EventSource(`/sandbox/stream?since=${since}`);
  stream.addEventListener('open', () => connection('live', 'Live'));
  stream.addEventListener('error', () => {
    connection('lost', 'Connection lost, trying again…');
    if (stream.readyState === EventSource.CLOSED) setTimeout(restart, 2000);
  });
  stream.addEventListener('message', (event) => {
    const bundle = JSON.parse(event.data);
    total = bundle.total;
    bundle.chats.forEach(phone);
    for (const message of bundle.messages) {
      const known = phones.get(message.chat);
      if (known) bubble(known, message);
    }
    counted();
    announce(bundle.messages);
  });
}

function restart() {
  begin().catch(() => {
    connection('lost', 'Connection lost, trying again…');
    setTimeout(restart, 2000);
  });
}

restart();
watchDeliveries(phoneOf);
