// A phone's own menu: what its owner, or chance, may do to the bot.
import { element } from './markup.js';
import { attempt } from './visit.js';
import { world } from './world.js';

export function toggle(label, act) {
  const node = element('button', 'switch');
  node.type = 'button';
  node.setAttribute('role', 'switch');
  node.setAttribute('aria-checked', 'false');
  node.append(element('span', 'track'), element('span', 'label', label));
  node.addEventListener('click', () => act(node, node.getAttribute('aria-checked') !== 'true'));
  return node;
}

export function set(node, on) {
  node.setAttribute('aria-checked', String(Boolean(on)));
}

export function menu(known, head) {
  const box = element('div', 'menu');
  const { chat } = known;
  const what = { private: 'block', whatsapp: 'window' }[chat.kind];
  box.hidden = true;
  if (!what || chat.person === undefined) return box;
  box.id = `menu-${chat.id}`;
  const opener = element('button', 'opener', '⋯');
  opener.type = 'button';
  opener.setAttribute('aria-label', `Menu of ${chat.title}’s phone`);
  opener.setAttribute('aria-expanded', 'false');
  opener.setAttribute('aria-controls', box.id);
  const show = (open) => {
    box.hidden = !open;
    opener.setAttribute('aria-expanded', String(open));
  };
  opener.addEventListener('click', () => show(box.hidden));
  box.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    show(false);
    opener.focus();
  });
  known.trouble = toggle(what === 'block' ? 'Block the bot' : 'Close the 24-hour window', (node, on) => attempt(node, known.problem, {
    do: 'switch', what, on, person: chat.person,
  }));
  box.append(known.trouble, element('p', 'hint', what === 'block'
    ? 'What is sent to a blocked bot’s reader is refused.'
    : 'Outside the window only a template may be sent; it opens when they write.'));
  head.append(opener);
  return box;
}

export function refreshMenu(known) {
  if (!known.trouble) return;
  const person = world.people.get(known.chat.person);
  const { switches } = world;
  set(known.trouble, known.chat.kind === 'private'
    ? person?.blocked || switches.blocked?.includes(known.chat.person)
    : person?.window === false || switches.windows?.includes(person?.phone));
}
