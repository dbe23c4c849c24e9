// Writing and pressing: the lower edge of a phone, its menu, and its buttons.
import { callName } from './bubbles.js';
import { element } from './markup.js';
import { attempt, tell } from './visit.js';
import { botName, world } from './world.js';

const WORDS = {
  reader: ['/latest', '/help', '/stop'],
  editor: ['/broadcast', '/status', '/latest'],
  whatsapp: ['LATEST', 'HELP', 'STOP'],
};

const GLANCE = 4000; // milliseconds that an answer to a pressed button stays

function button(className, text, act) {
  const node = element('button', className, text);
  node.type = 'button';
  node.addEventListener('click', () => act(node));
  return node;
}

export function lower(known) {
  const box = element('div', 'lower');
  known.problem = element('p', 'problem');
  known.problem.setAttribute('role', 'alert');
  known.problem.hidden = true;
  known.keys = element('div', 'keys');
  known.keys.hidden = true;
  known.start = button('start', 'START', (node) => attempt(node, known.problem, known.chat.blocked
    ? { do: 'switch', what: 'block', on: false, person: owner(known) }
    : { do: 'start', person: owner(known) }));
  known.suggestions = element('ul', 'suggestions');
  known.form = element('form', 'composer');
  known.who = element('select', 'who');
  known.field = element('input');
  Object.assign(known.field, { type: 'text', dir: 'auto', autocomplete: 'off', maxLength: 4096, enterKeyHint: 'send' });
  const send = element('button', 'send');
  send.type = 'submit';
  send.setAttribute('aria-label', 'Send');
  send.append(element('span', '', '➤'));
  known.form.append(known.who, known.field, send);
  known.form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const text = known.field.value.trim();
    if (text && await write(known, text, send) && known.field.value.trim() === text) known.field.value = '';
  });
  known.who.addEventListener('change', () => named(known));
  box.append(known.problem, known.keys, known.suggestions, known.start, known.form);
  known.card.addEventListener('click', (event) => {
    const key = event.target.closest('[data-follow], [data-press], [data-label], [data-write]');
    if (key?.dataset.write) say(known, key.dataset.write, key);
    else if (key) press(known, key);
  });
  return box;
}

const owner = (known) => known.chat.person ?? known.chat.can_write?.[0];
const writer = (known) => Number(known.who.value) || known.chat.can_write?.[0] || owner(known);

function write(known, text, control) {
  return attempt(control, known.problem, { do: 'write', chat: known.chat.id, person: writer(known), text });
}

// In a group a command names the bot that is meant, as the app's own menu does.
function say(known, text, control) {
  const { channel, kind } = known.chat;
  const crowd = channel === 'telegram' && kind !== 'private' && botName() && !text.includes('@');
  return write(known, crowd ? `${text}@${botName()}` : text, control);
}

async function press(known, key) {
  const { follow, label, press: data, message } = key.dataset;
  const person = writer(known);
  if (person === undefined) {
    tell(known.problem, 'nobody here may press this');
    return;
  }
  const action = follow
    ? { do: 'follow', person, url: follow }
    : { do: 'press', chat: known.chat.id, person, message: /^\d+$/.test(message) ? Number(message) : message, ...(label ? { label } : { data }) };
  key.classList.add('pressed');
  if (!await attempt(key, known.problem, action)) key.classList.remove('pressed');
  else setTimeout(() => key.classList.remove('pressed'), 2500);
}

// What the bot answers to a pressed button: only who pressed it sees it, for a moment.
export function answered(known, { person, text }) {
  const name = world.people.get(person)?.name;
  clearTimeout(known.saying);
  known.said.textContent = known.chat.kind === 'private' || !name ? text : `To ${callName(name)}: ${text}`;
  known.saying = setTimeout(() => { known.said.textContent = ''; }, GLANCE);
}

// Draws again only what has changed, and gives the focus back to whom it was taken from.
export function refresh(known) {
  const { chat } = known;
  const writers = (chat.can_write ?? []).map((id) => world.people.get(id)).filter(Boolean);
  const waits = chat.kind === 'private' && chat.started === false;
  const shut = Boolean(chat.blocked) || chat.deactivated;
  const drawn = JSON.stringify([writers.map((each) => [each.id, each.name]), waits, shut, chat.keys, owner(known), world.people.get(owner(known))?.role]);
  if (known.drawn === drawn) return;
  known.drawn = drawn;
  const focused = document.activeElement;
  const inside = known.lower.contains(focused);
  const memory = focused?.textContent;
  keyboard(known, chat.keys ?? []);
  const chosen = known.who.value;
  known.who.replaceChildren(...writers.map((each) => {
    const option = element('option', '', callName(each.name));
    option.value = each.id;
    return option;
  }));
  if (writers.some((each) => String(each.id) === chosen)) known.who.value = chosen;
  known.who.hidden = writers.length < 2;
  known.who.setAttribute('aria-label', `Who writes in ${chat.title}`);
  known.start.hidden = !waits && !chat.blocked;
  known.start.textContent = chat.blocked ? 'UNBLOCK' : 'START';
  known.form.hidden = waits || shut || (!writers.length && chat.kind !== 'private');
  suggest(known, known.form.hidden ? [] : words(known));
  named(known);
  if (inside && !focused.getClientRects().length) { // gone, or hidden
    const same = [...known.lower.querySelectorAll('button')].find((each) => each.textContent === memory && each.getClientRects().length);
    (same ?? (known.form.hidden ? known.screen : known.field)).focus({ preventScroll: true });
  }
}

function named(known) {
  const person = world.people.get(writer(known));
  const name = callName(person?.name ?? known.chat.title);
  known.field.placeholder = `Write as ${name}`;
  known.field.setAttribute('aria-label', `Write as ${name} in ${known.chat.title}`);
  known.start.setAttribute('aria-label', `${known.start.textContent}, as ${name}`);
}

function words(known) {
  const { chat } = known;
  if (chat.channel === 'whatsapp') return WORDS.whatsapp;
  if (chat.kind === 'channel') return [];
  if (chat.kind !== 'private') return ['/latest'];
  return WORDS[world.people.get(owner(known))?.role] ?? WORDS.reader;
}

function suggest(known, texts) {
  known.suggestions.hidden = !texts.length;
  known.suggestions.replaceChildren(...texts.map((text) => {
    const item = element('li');
    item.append(button('suggestion', text, (node) => say(known, text, node)));
    return item;
  }));
}

function keyboard(known, rows) {
  known.keys.hidden = !rows.length;
  known.keys.replaceChildren(...rows.map((row) => {
    const line = element('ul');
    line.append(...row.map((key) => {
      const item = element('li');
      const node = button('key', key.text, (control) => (key.request ? share(known, key, control) : write(known, key.text, control)));
      node.dir = 'auto';
      item.append(node);
      return item;
    }));
    return line;
  }));
}

// Telegram's app lets one choose among the chats that one runs.
function share(known, key, control) {
  const shared = (chat, node) => attempt(node, known.problem, { do: 'share', person: owner(known), request: key.request, chat: chat.id });
  if (!key.chats.length) tell(known.problem, 'there is no chat to choose: this person runs none of that kind');
  if (key.chats.length === 1) shared(key.chats[0], control);
  if (key.chats.length < 2) return;
  known.keys.replaceChildren(...key.chats.map((chat) => {
    const line = element('ul');
    const item = element('li');
    item.append(button('key', chat.title, (node) => shared(chat, node)));
    line.append(item);
    return line;
  }));
  known.keys.querySelector('button').focus();
}
