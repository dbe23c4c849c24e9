// The panel beside the phones: join links, trouble, and the application's state.
import { callName } from './bubbles.js';
import { element } from './markup.js';
import { set, toggle } from './menu.js';
import { OUTSIDE, chatOf, groupsOf, silent } from './phones.js';
import { attempt } from './visit.js';
import { world } from './world.js';

const part = (id) => document.getElementById(id);
const SWITCHES = {
  slow: ['Slow network', 'every call takes 1.5 s'],
  flood: ['Flood wait', 'the next send is told to wait 3 s'],
  telegram_down: ['Telegram is down', 'no connection at all'],
  twilio_down: ['Twilio is down', 'no connection at all'],
};
const READING = 9000; // milliseconds that a last word stays
const switches = new Map();

// --- trouble -----------------------------------------------------------------------

function trouble() {
  for (const [what, [label, hint]] of Object.entries(SWITCHES)) {
    const node = toggle(label, (control, on) => attempt(control, part('trouble-problem'), { do: 'switch', what, on }));
    const line = element('span', 'hint', hint);
    line.id = `hint-${what}`;
    node.setAttribute('aria-describedby', line.id);
    node.dataset.what = what;
    switches.set(what, node);
    const row = element('div', 'row');
    row.append(node, line);
    part('switches').append(row);
  }
  part('kill').addEventListener('click', ({ currentTarget }) => {
    if (world.application.state === 'up') attempt(currentTarget, part('trouble-problem'), { do: 'kill' });
  });
  part('publish').addEventListener('click', async ({ currentTarget }) => {
    const answer = await attempt(currentTarget, part('publish-problem'), { do: 'publish' });
    if (answer) toast('calm', `Published: “${answer.title}”. Readers get it when the editor asks for /broadcast.`);
  });
}

// --- the application ---------------------------------------------------------------

const seconds = (number) => `${number.toFixed(1)} s`;

// Two ways to say it: a sign for the head of the page, a sentence for the panel.
export function standing({ state, starts, recovered_in: recovered, doubtful }) {
  switch (state) {
    case 'down': return ['Killed', 'The process is gone. What it had to send is written down; it starts again by itself.'];
    case 'starting': return starts > 1 ? ['Starting again', 'The process starts again, and reads where it stopped.'] : ['Starting', ''];
    case 'up': {
      if (!(starts > 1) || recovered == null) return ['Running', ''];
      const calls = doubtful === 1 ? 'call' : 'calls';
      const doubt = doubtful ? `, ${doubtful} ${calls} in doubt` : '';
      const end = doubtful
        ? `${doubtful} ${calls} had no answer yet and ${doubtful === 1 ? 'is' : 'are'} in doubt, not sent twice.`
        : 'No call was in doubt.';
      return [`Recovered in ${seconds(recovered)}${doubt}`, `Back after ${seconds(recovered)}. ${end}`];
    }
    default: return ['', ''];
  }
}

// What the sign adds while a provider is down.
function outage({ telegram_down: telegram, twilio_down: twilio }) {
  if (telegram && twilio) return 'Telegram and Twilio are down';
  if (telegram) return 'Telegram is down';
  return twilio ? 'Twilio is down' : '';
}

let told = ''; // of the process's fate
let timer = 0;

// Says something at the foot of the window; the last word goes after a while.
function toast(tone, words) {
  clearTimeout(timer);
  part('toast').dataset.tone = tone;
  part('toast').textContent = words;
  if (tone === 'up' || tone === 'calm') timer = setTimeout(() => { part('toast').dataset.tone = 'none'; }, READING);
}

function application() {
  const { state, starts } = world.application;
  const [sign, words] = standing(world.application);
  const node = part('application');
  const down = outage(world.switches);
  const shown = [sign, down].filter(Boolean).join(' · ');
  node.hidden = !shown;
  node.dataset.state = state;
  node.toggleAttribute('data-outage', Boolean(down));
  if (node.textContent !== shown) node.textContent = shown;
  const fate = `${sign} ${starts}`;
  if (fate !== told && words && (told || state !== 'up')) toast(state, words);
  told = fate;
  part('opening').hidden = !world.closed;
  if (part('opening').textContent !== world.closed) part('opening').textContent = world.closed;
  part('kill').hidden = !world.can.includes('kill');
  part('publish').hidden = !world.can.includes('publish');
  part('kill').setAttribute('aria-disabled', String(state !== 'up'));
}

// --- join links --------------------------------------------------------------------

let drawn = '';

function may(link, person) {
  if (link.kind === 'wa') return Boolean(person.phone);
  if (link.kind === 'startgroup') return groupsOf(person.id).length > 0;
  return person.telegram;
}

function option(value, text) {
  const node = element('option', '', text);
  node.value = value;
  return node;
}

const hosts = (person) => Number(groupsOf(person.id)[0]?.note !== OUTSIDE);

// Those who are not in yet come first: they have something to gain from the link.
const fresh = ({ kind }) => {
  if (kind === 'startgroup') return (a, b) => hosts(a) - hosts(b);
  const inside = (person) => !silent(kind === 'wa' ? person.whatsapp : person.chat);
  const weight = (person) => 2 * (person.role !== 'reader') + inside(person);
  return (a, b) => weight(a) - weight(b);
};

function links() {
  const people = [...world.people.values()];
  const sight = JSON.stringify([world.links, people.map((p) => [p.id, p.name, p.phone, p.role, groupsOf(p.id).map(({ id }) => id)])]);
  if (sight === drawn) return;
  drawn = sight;
  part('joining').hidden = !world.links.length;
  const inside = part('links').contains(document.activeElement);
  const before = [...part('links').querySelectorAll('select')].map(({ value }) => value);
  const held = [...part('links').querySelectorAll('select, button')].indexOf(document.activeElement);
  part('links').replaceChildren(...world.links.map((link) => row(link, people.filter((person) => may(link, person)).sort(fresh(link)))));
  part('links').querySelectorAll('select').forEach((select, place) => {
    if ([...select.options].some(({ value }) => value === before[place])) select.value = before[place];
  });
  if (inside) part('links').querySelectorAll('select, button')[held]?.focus();
}

function row(link, people) {
  const form = element('form', `join by-${link.kind}`);
  const head = element('p', 'join-label', link.label);
  head.title = link.url;
  const who = element('select');
  who.setAttribute('aria-label', `Who follows “${link.label}”`);
  who.append(...people.map((person) => option(person.id, callName(person.name))));
  const go = element('button', 'action', 'Join now');
  go.setAttribute('aria-label', `Join now: ${link.label}`);
  go.type = 'submit';
  go.disabled = !people.length;
  const line = element('div', 'join-line');
  line.append(element('span', '', 'as'), who);
  const group = element('select');
  if (link.kind === 'startgroup') {
    group.setAttribute('aria-label', 'Which group');
    const fill = () => group.replaceChildren(...groupsOf(Number(who.value)).map((chat) => option(chat.id, chat.title)));
    who.addEventListener('change', fill);
    fill();
    line.append(element('span', '', 'add'), group);
  }
  line.append(go);
  form.append(head, line);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const person = Number(who.value);
    const action = { do: 'follow', person, url: link.url };
    if (link.kind === 'startgroup') action.group = group.value;
    if (await attempt(go, part('links-problem'), action)) shown(link, person, group.value);
  });
  return form;
}

// Takes the visitor to where the link led; the focus stays on the link.
function shown(link, person, group) {
  const { chat, whatsapp } = world.people.get(person) ?? {};
  const id = { wa: whatsapp, startgroup: group }[link.kind] ?? chat;
  const card = chatOf(id) && part(`chat-${id}`);
  if (!card) return;
  card.classList.remove('found');
  card.scrollIntoView({ block: 'nearest', inline: 'center' });
  requestAnimationFrame(() => card.classList.add('found'));
}

export function redraw() {
  for (const [what, node] of switches) set(node, world.switches[what]);
  application();
  links();
}

// What sticks below the strip, and what is scrolled to, leaves it its room.
new ResizeObserver(([{ target }]) => {
  document.documentElement.style.setProperty('--strip', `${target.offsetHeight}px`);
}).observe(part('strip'));

trouble();
const wide = matchMedia('(min-width: 60rem)').matches;
part('joining').open = wide;
part('trouble').open = wide;
