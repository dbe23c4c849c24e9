// What the sandbox last said of its people, links, switches and application.

export const world = { people: new Map(), links: [], switches: {}, application: { state: 'none' }, can: [], closed: '' };

// Takes over whatever parts *bundle* has.
export function learn(bundle) {
  if (bundle.people) world.people = new Map(bundle.people.map((person) => [person.id, person]));
  for (const part of ['links', 'switches', 'application', 'can', 'closed']) {
    if (bundle[part] !== undefined) world[part] = bundle[part];
  }
}

export function botName() {
  const address = world.links.find((link) => link.kind !== 'wa')?.url;
  return address ? new URL(address).pathname.slice(1) : '';
}
