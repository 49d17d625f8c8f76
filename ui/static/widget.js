// The launcher: a bubble and a panel with the chat in a frame, on any page that includes this script.
// <script src="https://chat.example/widget.js" data-language="zh" data-theme="dark" data-accent="#7a1fa2" data-token="..." async></script>
(() => {
  const script = document.currentScript;
  if (!script || window.Answerdesk) return;
  const base = new URL('.', script.src);
  const asked = script.dataset;
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const phone = window.matchMedia('(max-width: 480px), (max-height: 480px)');
  const theme = ['light', 'dark'].includes(asked.theme) ? asked.theme : '';
  const accent = (asked.accent || '').replace('#', '');
  const name = `answerdesk ${base.host}`;
  let visit = null; // who the visitor is, as the server has said it
  let token = asked.token || '';
  let frame = null;
  let ready = false; // the frame has a page that listens
  let open = false;
  let count = { conversation: '', replies: 0 };

  // The shop's own storage: what an anonymous visitor is known again by, and what they have read. Nothing is kept where there is none.
  function kept() {
    try { return JSON.parse(window.localStorage.getItem(name)) || {}; } catch { return {}; }
  }
  function keep(more) {
    try { window.localStorage.setItem(name, JSON.stringify({ ...kept(), ...more })); } catch { /* a private window */ }
  }

  const host = document.createElement('div');
  const root = host.attachShadow({ mode: 'open' });
  const looks = new CSSStyleSheet(); // a style sheet made so is allowed by every content security policy
  looks.replaceSync(`
    :host { all: initial; --accent: #0e5f5c; --accent-strong: #0a4b49; --on-accent: #ffffff; color-scheme: light dark; }
    :host([data-dark]) { --accent: #6fcfc3; --accent-strong: #8adcd2; --on-accent: #06211f; }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    button { padding: 0; border: 0; background: none; color: inherit; cursor: pointer; }
    button:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
    svg { display: block; margin: auto; fill: none; stroke: currentcolor; stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round; }
    .bubble { position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; width: 58px; height: 58px; border-radius: 50%;
      background: var(--accent); color: var(--on-accent); box-shadow: 0 2px 6px rgb(0 0 0 / 18%), 0 8px 28px rgb(0 0 0 / 20%);
      transition: background .15s, transform .15s; }
    .bubble:hover { background: var(--accent-strong); transform: scale(1.04); }
    .bubble svg { width: 28px; height: 28px; }
    .bubble .talk { fill: currentcolor; stroke: none; }
    .bubble[aria-expanded=true] .talk, .bubble[aria-expanded=false] .down { display: none; }
    .badge { position: absolute; top: -3px; right: -3px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px;
      background: #b3261e; color: #fff; font: 650 12.5px/22px system-ui, sans-serif; text-align: center; box-shadow: 0 0 0 2px #fff; }
    .panel { position: fixed; right: 20px; bottom: 92px; z-index: 2147483001; width: 390px; height: 640px;
      max-width: calc(100vw - 40px); max-height: calc(100dvh - 112px); overflow: hidden; border-radius: 18px; background: #f4f6f5;
      box-shadow: 0 0 0 1px rgb(0 0 0 / 8%), 0 4px 12px rgb(0 0 0 / 10%), 0 18px 60px rgb(0 0 0 / 22%);
      transform-origin: 100% 100%; animation: grow .18s ease-out; }
    :host([data-dark]) .panel { background: #0f1514; box-shadow: 0 0 0 1px rgb(255 255 255 / 12%), 0 18px 60px rgb(0 0 0 / 60%); }
    iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: normal; }
    .close { position: absolute; top: 10px; right: 8px; width: 44px; height: 44px; border-radius: 12px; color: #55625f; }
    :host([data-dark]) .close { color: #a3b3af; }
    .close:hover { color: var(--accent); }
    .close svg { width: 22px; height: 22px; }
    .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    @keyframes grow { from { opacity: 0; transform: translateY(12px) scale(.98); } }
    @media (max-width: 480px), (max-height: 480px) {
      .panel { inset: 0; width: 100%; height: 100%; max-width: none; max-height: none; border-radius: 0; }
      .bubble[aria-expanded=true] { display: none; }
    }
    @media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
    @media (forced-colors: active) { .bubble { border: 2px solid ButtonText; } }
    @media print { :host { display: none; } }
  `);
  root.adoptedStyleSheets = [looks];
  root.innerHTML = `
    <button type="button" class="bubble" aria-haspopup="dialog" aria-expanded="false" aria-controls="panel">
      <svg class="talk" viewBox="0 0 24 24" aria-hidden="true"><path fill-rule="evenodd" d="M5.5 4.5h13A2.5 2.5 0 0 1 21 7v8a2.5 2.5 0 0 1-2.5 2.5h-6.2L7.5 21.5v-4h-2A2.5 2.5 0 0 1 3 15V7a2.5 2.5 0 0 1 2.5-2.5zm2.5 5.2a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6zm4 0a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6zm4 0a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6z"/></svg>
      <svg class="down" viewBox="0 0 24 24" aria-hidden="true"><path d="m6 9.5 6 6 6-6"/></svg>
      <span class="badge" aria-hidden="true" hidden></span>
    </button>
    <div class="panel" id="panel" role="dialog" hidden>
      <button type="button" class="close"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="m6.5 6.5 11 11m0-11-11 11"/></svg></button>
    </div>
    <p class="sr" role="status"></p>`;
  const [bubble, badge, panel, close, status] = ['.bubble', '.badge', '.panel', '.close', '.sr'].map((one) => root.querySelector(one));

  function paint() {
    const isDark = theme ? theme === 'dark' : dark.matches;
    host.toggleAttribute('data-dark', isDark);
    for (const [property, value] of Object.entries(answerdeskAccent(accent, isDark) || {})) host.style.setProperty(property, value);
  }

  // What came while the panel was closed.
  function counted(now) {
    count = { conversation: now.conversation, replies: now.replies };
    const { seen } = kept();
    if (open && count.replies) keep({ seen: count });
    const unread = open ? 0 : Math.max(0, now.replies - (seen?.conversation === now.conversation ? seen.replies : 0));
    badge.hidden = !unread;
    badge.textContent = unread > 9 ? '9+' : String(unread);
    const told = unread ? visit.words.unread.replace('{n}', unread) : '';
    if (told && status.textContent !== told) status.textContent = told;
    bubble.setAttribute('aria-label', open ? visit.words.close : [visit.words.open, told].filter(Boolean).join(', '));
  }

  function load() {
    if (frame) return;
    frame = document.createElement('iframe');
    const query = new URLSearchParams({ widget: '1', ...(theme && { __theme: theme }), ...(accent && { accent }) });
    frame.src = `${base.href}?${query}`;
    frame.title = visit.words.title;
    frame.allow = 'clipboard-write';
    panel.append(frame);
  }

  function show(now, focus) {
    if (!visit || open === now) return;
    open = now;
    load();
    panel.hidden = !now;
    bubble.setAttribute('aria-expanded', String(now));
    panel.setAttribute('aria-modal', String(phone.matches));
    const whole = now && phone.matches; // the page behind is neither seen nor reached
    document.documentElement.style.overflow = whole ? 'hidden' : '';
    for (const other of document.body.children) if (other !== host) other.inert = whole;
    keep({ open: now });
    counted(count);
    if (!focus) return;
    if (!now) bubble.focus();
    else if (phone.matches) close.focus();
    else frame.focus();
    if (now) say('shown');
  }

  const say = (what, more) => ready && frame.contentWindow.postMessage({ answerdesk: what, ...more }, base.origin);
  const tellWho = () => say('visitor', { visitor: visit.visitor, language: visit.language });

  async function meet() {
    const { visitor = '', language = '' } = kept();
    const body = JSON.stringify({ visitor, token, language: language || asked.language || document.documentElement.lang || '' });
    const answer = await fetch(new URL('widget/visit', base), { method: 'POST', credentials: 'omit', body });
    if (!answer.ok) throw new Error(`${answer.status}`);
    visit = await answer.json();
    keep({ visitor: visit.anonymous ? visit.visitor : '' }); // what was said before signing in has become the customer's: whoever comes next is new
    panel.setAttribute('aria-label', visit.words.title);
    close.setAttribute('aria-label', visit.words.close);
    close.title = visit.words.close;
    counted(visit);
    if (visit.live) load(); // a person may write at any time
  }

  window.addEventListener('message', async ({ origin, source, data }) => {
    if (!frame || source !== frame.contentWindow || origin !== base.origin || !data) return;
    if (data.answerdesk === 'hello') {
      ready = true;
      tellWho();
    }
    if (data.answerdesk === 'close') show(false, true);
    else if (data.answerdesk === 'count') counted(data);
    else if (data.answerdesk === 'language') {
      keep({ language: data.language });
      await meet(); // the launcher's own words
    }
    else if (data.answerdesk === 'renew') { await meet(); tellWho(); }
  });
  window.addEventListener('keydown', (event) => { if (event.key === 'Escape' && open) show(false, true); });
  bubble.addEventListener('click', () => show(!open, true));
  close.addEventListener('click', () => show(false, true));
  dark.addEventListener('change', paint);

  // For the shop's own scripts: open and close the chat, and say who has signed in (a new token) or out (none).
  window.Answerdesk = {
    open: () => show(true, true),
    close: () => show(false, true),
    identify: async (newToken) => {
      token = newToken || '';
      await meet();
      frame?.remove();
      frame = null;
      ready = false;
      if (open || visit.live) load();
    },
  };

  async function start() {
    paint();
    try {
      await meet();
    } catch {
      console.info('Answerdesk: no chat here. Is this site in ANSWERDESK_WIDGET_ORIGINS, and the server up?');
      return;
    }
    document.body.append(host);
    if (kept().open && !phone.matches) show(true, false);
  }
  if (document.body) start();
  else document.addEventListener('DOMContentLoaded', start);
})();
