// The newcomer's guide: four steps, each ticked when it has really happened.
import { phoneOfRole } from './phones.js';
import { onVisit } from './visit.js';
import { world } from './world.js';

const part = (id) => document.getElementById(id);
const KEPT = 'harkara-guide';
const done = new Set();
let asked = null; // the chat in which the visitor asked for the latest
let joined = null; // where the visitor joined
let pressed = false; // as an editor
let newest = null; // the broadcast seen before that
let starts = null; // of the process, when the visitor killed it

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

function keep(closed) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ closed, done: [...done] }));
  } catch { /* a browser without storage forgets, and that is all */ }
}

function tick(step) {
  if (done.has(step)) return;
  done.add(step);
  keep(false);
  draw();
}

function draw() {
  for (const item of part('guide-steps').children) {
    const finished = done.has(item.dataset.step);
    item.dataset.done = finished;
    if (finished && !item.querySelector('.unseen')) {
      const words = document.createElement('span');
      words.className = 'unseen';
      words.textContent = ' (done)';
      item.firstElementChild.append(words);
    }
  }
  const next = [...part('guide-steps').children].find((item) => item.dataset.done !== 'true');
  for (const item of part('guide-steps').children) {
    if (item === next) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
  }
}

onVisit((action) => {
  if (action.do === 'follow') {
    const person = world.people.get(action.person);
    joined = String(/wa\.me/.test(action.url) ? person?.whatsapp : (action.group ?? person?.chat));
  }
  if (action.do === 'write' && /^\/?latest/i.test(action.text)) asked = action.chat;
  if (action.do === 'press' && world.people.get(action.person)?.role === 'editor') pressed = true;
  if (action.do === 'kill') starts = world.application.starts ?? 0;
});

export function noticeMessages(messages) {
  for (const message of messages) {
    if (!message.outgoing) continue;
    if (message.chat === joined && !done.has('join')) {
      tick('join');
      lead('ask', `#chat-${joined}`);
    }
    if (message.chat === asked) tick('ask');
  }
}

export function noticeBroadcast(broadcast) {
  if (!broadcast) return;
  if (!pressed) newest = broadcast.state === 'planned' ? null : broadcast.id;
  else if (broadcast.id !== newest && broadcast.state !== 'planned') tick('broadcast');
}

export function noticeApplication() {
  const { state, starts: now } = world.application;
  if (starts !== null && now > starts && state === 'up') tick('kill');
}

// Offered only where there is something to join and to kill.
export function offer() {
  if (recall().closed || !world.links.length || !world.can.includes('kill')) return;
  part('guide').hidden = false;
  const editor = phoneOfRole('editor');
  if (editor) lead('broadcast', `#${editor.id}`);
}

function lead(step, where) {
  part('guide-steps').querySelector(`[data-step=${step}] a`).href = where;
}

part('guide-close').addEventListener('click', () => {
  part('guide').hidden = true;
  keep(true);
  part('phones').focus({ preventScroll: true });
});
for (const step of recall().done ?? []) done.add(step);
draw();
// What the guide points to is opened, if it was folded.
part('guide-steps').addEventListener('click', (event) => {
  const goal = part(event.target.closest('a')?.hash.slice(1));
  if (goal?.localName === 'details') goal.open = true;
});
