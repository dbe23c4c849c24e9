// Turns messages into DOM nodes. Text only ever becomes text nodes.

const TAGS = {
  bold: 'strong', italic: 'em', underline: 'u', strikethrough: 's', code: 'code',
  pre: 'pre', blockquote: 'blockquote', expandable_blockquote: 'blockquote',
  spoiler: 'span', text_mention: 'span',
  mention: 'span', hashtag: 'span', cashtag: 'span', bot_command: 'span',
  custom_emoji: 'span', phone_number: 'span',
};
const BLOCKS = new Set(['pre', 'blockquote', 'expandable_blockquote']);

export function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// A chat's own addresses are followed as the owner of the phone; any other opens
// nothing, for the newsroom's pages are invented.
const CHATS = new Set(['t.me', 'telegram.me', 'wa.me']);

export function leadsToChat(address) {
  try {
    return CHATS.has(new URL(address.includes('://') ? address : `http://${address}`).hostname);
  } catch {
    return false;
  }
}

function link(address) {
  const chat = leadsToChat(address);
  const node = element(chat ? 'button' : 'span', 'address');
  node.title = chat ? `Follow ${address}` : address;
  if (chat) {
    node.type = 'button';
    node.dataset.follow = address;
  }
  return node;
}

// A command in the bot's words is sent by tapping it, as in the app.
function command(text) {
  const node = element('button', 'address command');
  node.type = 'button';
  node.dataset.write = text;
  return node;
}

function wrap(entity, text, taps) {
  const own = text.slice(entity.offset, entity.offset + entity.length);
  if (entity.type === 'text_link') return link(entity.url);
  if (entity.type === 'url' || entity.type === 'email') return link(own);
  if (entity.type === 'bot_command' && taps) return command(own);
  return element(TAGS[entity.type] ?? 'span', `entity ${entity.type}`);
}

// Telegram: entities in UTF-16 units, which is what JavaScript counts in.
export function telegramText(text, entities, taps) {
  const root = document.createDocumentFragment();
  const ordered = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  let index = 0;
  const fill = (parent, from, to) => {
    let at = from;
    while (index < ordered.length && ordered[index].offset < to) {
      const entity = ordered[index];
      index += 1;
      const start = Math.max(entity.offset, at);
      const end = Math.min(entity.offset + entity.length, to);
      if (start >= end) continue;
      if (start > at) parent.append(text.slice(at, start));
      const node = wrap(entity, text, taps);
      fill(node, start, end);
      parent.append(node);
      at = end;
      if (BLOCKS.has(entity.type) && text[at] === '\n' && at < to) at += 1;
    }
    if (at < to) parent.append(text.slice(at, to));
  };
  fill(root, 0, text.length);
  return root;
}

// WhatsApp: markers that hug the words.
const STYLES = [
  ['```', 'code', true], ['`', 'code', true],
  ['*', 'strong', false], ['_', 'em', false], ['~', 's', false],
];
const ADDRESS = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?'()\]]/;

function inline(parent, text) {
  let rest = text;
  while (rest) {
    const found = next(rest);
    if (!found) break;
    if (found.start) parent.append(rest.slice(0, found.start));
    parent.append(found.node);
    rest = rest.slice(found.end);
  }
  if (rest) parent.append(rest);
}

function next(text) {
  let best = null;
  const address = ADDRESS.exec(text);
  if (address) {
    const node = link(address[0]);
    node.textContent = address[0];
    best = { start: address.index, end: address.index + address[0].length, node };
  }
  for (const [mark, tag, plain] of STYLES) {
    const span = hugging(text, mark);
    if (!span || (best && best.start <= span.start)) continue;
    const node = element(tag);
    const inner = text.slice(span.start + mark.length, span.end - mark.length);
    if (plain) node.textContent = inner;
    else inline(node, inner);
    best = { ...span, node };
  }
  return best;
}

function hugging(text, mark) {
  let start = text.indexOf(mark);
  while (start !== -1) {
    const inside = start + mark.length;
    const before = text[start - 1] ?? ' ';
    if (/\S/.test(text[inside] ?? ' ') && !/[\p{L}\p{N}]/u.test(before)) {
      let end = text.indexOf(mark, inside + 1);
      while (end !== -1) {
        const after = text[end + mark.length] ?? ' ';
        if (/\S/.test(text[end - 1]) && !/[\p{L}\p{N}]/u.test(after)) {
          return { start, end: end + mark.length };
        }
        end = text.indexOf(mark, end + 1);
      }
    }
    start = text.indexOf(mark, start + mark.length);
  }
  return null;
}

export function whatsappText(text) {
  const root = document.createDocumentFragment();
  let list = null;
  const lines = text.split('\n');
  lines.forEach((line, number) => {
    const item = /^(?:[-*] |(\d{1,3})\. )(.*)$/.exec(line);
    const quote = /^> (.*)$/.exec(line);
    if (item) {
      const tag = item[1] ? 'ol' : 'ul';
      if (!list || list.localName !== tag) {
        list = element(tag);
        if (item[1]) list.start = Number(item[1]);
        root.append(list);
      }
      const entry = element('li');
      entry.dir = 'auto';
      inline(entry, item[2]);
      list.append(entry);
      return;
    }
    list = null;
    if (quote) {
      const node = element('blockquote');
      node.dir = 'auto';
      inline(node, quote[1]);
      root.append(node);
      return;
    }
    inline(root, line);
    if (number < lines.length - 1) root.append('\n');
  });
  return root;
}
