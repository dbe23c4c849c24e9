// Draws one message as its chat shows it.
import { element, leadsToChat, telegramText, whatsappText } from './markup.js';

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const TICKS = {
  queued: '◷', accepted: '◷', sent: '✓', delivered: '✓✓', read: '✓✓',
  failed: '!', undelivered: '!',
};

export function hue(text) {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

// «Meera, editor» is called Meera.
export const callName = (name) => name.replace(/,.*$/, '');

export function face(title, shape) {
  const letters = callName(title).match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu) ?? [];
  const node = element('span', `face ${shape}`, letters.slice(0, 2).map((word) => [...word][0]).join(''));
  node.setAttribute('aria-hidden', 'true');
  node.style.setProperty('--hue', hue(title));
  return node;
}

export function draw(chat, message) {
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
  text.append(whatsapp ? whatsappText(message.text) : telegramText(message.text, message.entities, message.outgoing));
  item.append(text, meta(message, whatsapp));
  const rows = message.options.length ? message.options.map((label) => [{ text: label, label }]) : message.buttons;
  if (rows.length) item.append(buttons(rows, message));
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

// A button presses, follows a chat's address, or (any other address) opens nothing.
function buttons(rows, message) {
  const box = element('div', 'buttons');
  for (const row of rows) {
    const line = element('ul');
    for (const button of row) {
      const inert = button.url && !leadsToChat(button.url);
      const key = element(inert ? 'span' : 'button', 'button', button.text);
      key.dir = 'auto';
      if (button.url) {
        key.title = button.url;
        key.append(element('span', 'arrow', ' ↗'));
      }
      if (!inert) {
        key.type = 'button';
        key.dataset.message = message.id;
        if (button.url) key.dataset.follow = button.url;
        else if (button.label) key.dataset.label = button.label;
        else key.dataset.press = button.data ?? '';
      }
      const cell = element('li');
      cell.append(key);
      line.append(cell);
    }
    box.append(line);
  }
  return box;
}
