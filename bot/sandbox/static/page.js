// The page of phones: draws the state once, then follows the stream.
import { watchDeliveries } from './deliveries.js';
import { noticeApplication, noticeMessages, offer } from './guide.js';
import { redraw } from './panel.js';
import { begin, chatOf, update } from './phones.js';
import { learn } from './world.js';

const QUIET = 3000; // milliseconds between two announcements

// --- what a screen reader is told ----------------------------------------------------

const news = document.getElementById('news');
const waiting = new Set();
let timer = 0;
let announced = 0;

function announce(messages) {
  for (const message of messages) {
    const title = !message.deleted && !message.edited && chatOf(message.chat)?.title;
    if (title) waiting.add(title);
  }
  if (!waiting.size || timer) return;
  timer = setTimeout(() => {
    const titles = [...waiting];
    const more = titles.length - 3;
    news.textContent = `New messages in ${titles.slice(0, 3).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    waiting.clear();
    announced = Date.now();
    timer = 0;
  }, Math.max(300, announced + QUIET - Date.now()));
}

// --- the stream ----------------------------------------------------------------------

const line = document.getElementById('link');
function connection(state, text) {
  line.dataset.state = state;
  line.textContent = text;
}

async function start() {
  const state = await (await fetch('/sandbox/state')).json();
  learn(state);
  begin(state);
  redraw();
  offer();
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
    learn(bundle);
    update(bundle);
    redraw();
    offer();
    noticeApplication();
    noticeMessages(bundle.messages ?? []);
    announce(bundle.messages ?? []);
  });
}

function restart() {
  start().catch(() => {
    connection('lost', 'Connection lost, trying again…');
    setTimeout(restart, 2000);
  });
}

restart();
watchDeliveries();
