// What the visitor does goes to one address; mistakes come back as sentences.

export async function visit(action) {
  let answer;
  try {
    answer = await fetch('/sandbox/visit', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(action),
    });
  } catch {
    throw new Error('The sandbox does not answer. Is the demo still running?');
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error || `The sandbox refused this (${answer.status}).`);
  for (const listener of listeners) listener(action);
  return told;
}

const listeners = [];

// Calls *listener* with every action that was carried out.
export function onVisit(listener) {
  listeners.push(listener);
}

// Carries *action* out while *control* shows that it is under way, and says beside it
// what went wrong. Returns the answer, or null.
export async function attempt(control, problem, action) {
  if (control?.getAttribute('aria-busy') === 'true') return null;
  control?.setAttribute('aria-busy', 'true');
  try {
    const answer = await visit(action);
    tell(problem, answer.note ?? '');
    return answer;
  } catch (error) {
    tell(problem, error.message);
    return null;
  } finally {
    control?.removeAttribute('aria-busy');
  }
}

export function tell(problem, words) {
  problem.hidden = !words;
  problem.textContent = words && sentence(words);
}

export function sentence(words) {
  const [first, ...rest] = [...words];
  return `${first.toUpperCase()}${rest.join('')}${/[.!?…]$/.test(words) ? '' : '.'}`;
}
