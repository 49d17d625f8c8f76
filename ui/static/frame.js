// In the head of the customer's page. In the widget's frame it waits for the launcher to say who the visitor is and sends that with every
// request to this server, as browsers keep no cookies for another site's frames. On a page of its own it does nothing. Gradio puts the head in
// place before it draws the page, so before any request of the page's.
(() => {
  const query = new URLSearchParams(window.location.search);
  if (window.parent === window || !query.has('widget')) return;
  const page = document.documentElement;
  page.classList.add('framed');
  const theme = query.get('__theme');
  const dark = theme ? theme === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches;
  const colours = Object.entries(answerdeskAccent(query.get('accent'), dark) || {}).map(([name, value]) => `${name}: ${value};`);
  document.head.append(Object.assign(document.createElement('style'), { textContent: `:root, .dark { ${colours.join(' ')} }` }));

  let met = null;
  let renewing = false;
  let shop = '*'; // the shop's site, known from its first message; nothing secret is said before
  let known;
  const knowing = new Promise((resolve) => { known = resolve; });
  const say = (what, more) => window.parent.postMessage({ answerdesk: what, ...more }, shop);

  window.addEventListener('message', ({ origin, source, data }) => {
    if (source !== window.parent || !(origin === window.location.origin || answerdeskOrigins.includes(origin)) || !data) return;
    shop = origin;
    if (data.answerdesk === 'visitor') {
      if (met && met.visitor !== data.visitor) { window.location.reload(); return; }
      met = { visitor: data.visitor, language: data.language };
      known();
    } else if (data.answerdesk === 'shown' && window.matchMedia('(pointer: fine)').matches) {
      document.querySelector('#box textarea')?.focus({ preventScroll: true });
    }
  });

  const plain = window.fetch.bind(window);
  window.fetch = async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input, window.location.href);
    if (url.origin !== window.location.origin) return plain(input, init);
    await knowing;
    const headers = new Headers(init.headers || (input instanceof Request ? input.headers : undefined));
    headers.set('X-Answerdesk-Visitor', met.visitor);
    headers.set('X-Answerdesk-Language', met.language);
    const answer = await plain(input, { ...init, headers });
    if (answer.status === 401 && !renewing) say('renew'); // the token has run out; with the new one the page starts anew
    renewing ||= answer.status === 401;
    return answer;
  };

  window.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]')) say('close');
  });

  window.answerdeskFrame = {
    who: () => met?.visitor || '',
    language: (other) => { met.language = other; say('language', { language: other }); },
    count: (conversation, replies) => say('count', { conversation, replies }),
  };
  say('hello');
})();
