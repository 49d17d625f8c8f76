// The body of a staff page's `js_on_load`: puts the server's regions in place and hands what is pressed to the server.
// All HTML in `props.value.regions` was escaped by the server; whatever this script adds itself is set as text.

const page = document.documentElement;
const shown = {}; // region -> the HTML that stands in it
let place = Object.fromEntries(new URLSearchParams(window.location.hash.slice(1)));
let lastActive = Date.now();
let waiting = 0; // requests on their way
let latest = 0; // the last thing that was asked for: what comes of an earlier one, in a place that was left, is not put over it
const HERE = ['tab', 'chat', 'search', 'adapter', 'code', 'days'];
const behind = { everyMs: 0, asked: 0 }; // how often the page asks while another one is in front of it; 0 is never

const view = () => props.value || {};
const region = (name) => element.querySelector(`[data-region="${name}"]`);
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

function send(name, data = {}, more = {}) {
  if (!actions.has(name)) return;
  if (!more.quiet) {
    endNotice();
    waiting = Date.now();
    page.classList.add('working');
    latest += 1;
  }
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
  trigger(name, { place, data, zone, files: more.files || [], seen: more.quiet ? view().digest || '' : '', asked: latest });
}

const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 60;

// What somebody has typed or chosen: the values of fields by their ids.
function typedIn(node) {
  const typed = new Map();
  for (const field of node.querySelectorAll('input[id], textarea[id], select[id]')) {
    if (field.type !== 'file' && field.value !== (field.defaultValue ?? field.querySelector('[selected]')?.value ?? '')) typed.set(field.id, field.value);
  }
  return typed;
}

function type(typed) {
  for (const [id, value] of typed) {
    const field = document.getElementById(id);
    if (field && !field.dataset.fresh) field.value = value;
  }
}

// Put new HTML into a region, but keep what somebody is typing there, what they opened and how far they scrolled.
function put(node, html) {
  const typed = typedIn(node);
  const focus = node.contains(document.activeElement) ? document.activeElement : null;
  const where = focus && focus.selectionStart != null ? [focus.selectionStart, focus.selectionEnd] : null;
  const open = new Map(Array.from(node.querySelectorAll('details[id]'), (details) => [details.id, details.open]));
  const scrolls = new Map(Array.from(node.querySelectorAll('[data-scroll]'), (box) => [box.dataset.scroll, [box.scrollTop, atEnd(box)]]));
  node.innerHTML = html;
  type(typed);
  for (const field of node.querySelectorAll('[data-filter]')) filter(field);
  for (const [id, was] of open) if (document.getElementById(id)) document.getElementById(id).open = was;
  for (const box of node.querySelectorAll('[data-scroll]')) {
    const [top, ended] = scrolls.get(box.dataset.scroll) || [0, true];
    box.scrollTop = top;
    if (box.dataset.end !== undefined) box.followed = ended;
  }
  for (const time of node.querySelectorAll('time')) {
    const date = new Date(time.dateTime);
    time.textContent = when(date, Boolean(time.closest('.row')));
    time.title = date.toLocaleString(locale(), { dateStyle: 'full', timeStyle: 'medium' });
  }
  // On a phone a table is a list of cards, and each cell says what it is.
  for (const table of node.querySelectorAll('table:not(.figures)')) {
    const names = Array.from(table.querySelectorAll('thead > tr > *'), (cell) => cell.textContent);
    for (const row of table.tBodies[0].rows) Array.from(row.cells).forEach((cell, at) => { cell.dataset.name = names[at] || ''; });
  }
  node.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  node.querySelector('[data-show]')?.scrollIntoView({ block: 'nearest' });
  if (focus?.id) {
    const again = document.getElementById(focus.id);
    again?.focus({ preventScroll: true });
    if (again && where && again.setSelectionRange && again.type !== 'range') again.setSelectionRange(...where);
  }
}

// As the browser writes the page's language: 24 hours in London, 12 in New York.
function locale() {
  return navigator.languages.find((code) => code.startsWith(page.lang.slice(0, 2))) || page.lang;
}

// A moment in the reader's language, no longer than it has to be. brief: of a list, where the day is enough.
function when(date, brief) {
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return date.toLocaleTimeString(locale(), { timeStyle: 'short' });
  const day = { day: 'numeric', month: 'short', ...(date.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }) };
  return date.toLocaleString(locale(), brief ? day : { ...day, hour: 'numeric', minute: '2-digit' });
}

// The rows of a list that have what stands in the field over it.
function filter(field) {
  const sought = field.value.trim().toLowerCase();
  for (const row of element.querySelectorAll(`${field.dataset.filter} tbody tr`)) row.hidden = !row.textContent.toLowerCase().includes(sought);
}

function render() {
  const { regions, language, said, wrong, keep, secret, words, did, asked } = view();
  if (!regions) return;
  if (asked < latest && HERE.some((name) => (view().place[name] || '') !== (place[name] || ''))) {
    if (said && (wrong || secret)) tell(said, wrong, keep, secret, view().place.tab); // what failed elsewhere is not kept quiet
    return;
  }
  waiting = 0;
  page.classList.remove('working');
  page.lang = language === 'zh' ? 'zh-CN' : language;
  document.title = words.title;
  for (const box of element.querySelectorAll('[data-end]')) box.followed = atEnd(box);
  // What was done with a form is over: its reason and its share are not those of the next time.
  if (!wrong) for (const form of element.querySelectorAll('form[data-over]')) if (form.dataset.over.split(' ').includes(did)) form.reset();
  for (const [name, html] of Object.entries(regions)) {
    if (shown[name] === html) continue;
    shown[name] = html;
    put(region(name), html);
  }
  const many = element.querySelector('[data-waiting]')?.dataset.waiting;
  if (many) document.title = `(${many}) ${words.title}`;
  place = { ...view().place };
  element.querySelector('.staff').dataset.tab = place.tab || '';
  element.querySelector('.staff').classList.toggle('chosen', Boolean(place.chat));
  element.querySelector('.staff').classList.toggle('saw', Boolean(place.reply));
  // Only now are all regions as high as they will be.
  for (const box of element.querySelectorAll('[data-end]')) if (box.followed) box.scrollTop = box.scrollHeight;
  const hash = `#${new URLSearchParams(place)}`;
  if (window.location.hash !== hash) window.history.replaceState(null, '', hash);
  if (said) tell(said, wrong, keep, secret);
  else noticeHere();
  // Not all of it is there yet: ask for what comes next, once.
  const unfinished = element.querySelector('[data-then]');
  if (unfinished) {
    const { then, told } = unfinished.dataset;
    delete unfinished.dataset.then;
    send(then, { told });
  }
  if (!page.classList.contains('ready')) goOn();
  page.classList.add('ready');
}

// What was being written when the page was left is there again in the same place: Gradio starts a page anew once its server is back.
const TYPED = 'answerdesk_typed';
// Whose it is, and where: somebody else may sign in at the same computer next.
const spot = () => [element.querySelector('.me .who')?.textContent, ...['tab', 'chat', 'code'].map((name) => place[name] || '')].join(' ');
window.addEventListener('pagehide', () => {
  const typed = Array.from(typedIn(element));
  if (typed.length) sessionStorage.setItem(TYPED, JSON.stringify({ at: spot(), typed }));
});
function goOn() {
  const kept = JSON.parse(sessionStorage.getItem(TYPED) || '{}');
  sessionStorage.removeItem(TYPED);
  if (kept.at === spot()) type(kept.typed);
}

function fields(form) {
  return Object.fromEntries(Array.from(new FormData(form)).filter(([, value]) => typeof value === 'string'));
}

// What was sent stands there no more: a private note must not be the next thing that a customer reads.
function empty(form) {
  for (const field of form.querySelectorAll('textarea, input[type=text]')) field.value = '';
}

element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-do], [data-go], [data-language]');
  if (!pressed || pressed.matches('form, input, select')) return;
  if (pressed.dataset.language) {
    document.cookie = `${view().cookie}=${pressed.dataset.language}; path=/; max-age=31536000; SameSite=Lax`;
    send('show');
    return;
  }
  event.preventDefault();
  if (pressed.dataset.go) {
    place = { ...(pressed.dataset.keep === undefined ? {} : place), ...JSON.parse(pressed.dataset.go) };
    window.history.pushState(null, '', `#${new URLSearchParams(place)}`);
    send('show');
    return;
  }
  const { do: name, sure: told, clear, ...data } = pressed.dataset;
  const form = pressed.closest('form');
  const sent = { ...(form ? fields(form) : {}), ...data };
  const go = () => {
    send(name, sent);
    if (clear !== undefined) empty(form);
  };
  if (told) sure(told, pressed.textContent, form, go);
  else go();
});
element.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.dataset.do) return;
  event.preventDefault();
  const sent = { ...fields(form), message: newId() };
  const go = () => {
    send(form.dataset.do, sent);
    if (form.dataset.clear !== undefined) empty(form);
  };
  if (form.dataset.sure) sure(form.dataset.sure, event.submitter?.textContent || '', form, go);
  else go();
});
element.addEventListener('change', async (event) => {
  const field = event.target;
  if (field.type === 'file' && field.dataset.do) {
    page.classList.add('working');
    const files = [];
    endNotice();
    for (const file of field.files) {
      try {
        files.push({ name: file.name, path: (await upload(file)).path });
      } catch { // too large, or the server is gone: nothing is sent
        page.classList.remove('working');
        field.value = '';
        tell(view().words.upload_failed.replace('{name}', file.name), true);
        return;
      }
    }
    field.value = '';
    send(field.dataset.do, field.form ? fields(field.form) : {}, { files });
  } else if (field.dataset.do && field.matches('select, input[type=checkbox], input[type=range]')) {
    send(field.dataset.do, { ...(field.form ? fields(field.form) : {}), value: field.type === 'checkbox' ? String(field.checked) : field.value });
  }
});
// Files may be dropped where they can be chosen.
for (const kind of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  element.addEventListener(kind, (event) => {
    const zone = event.target.closest?.('.drop');
    if (!zone) return;
    event.preventDefault();
    zone.classList.toggle('over', kind === 'dragenter' || kind === 'dragover');
    if (kind !== 'drop') return;
    const field = zone.querySelector('input[type=file]');
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event('change', { bubbles: true }));
  });
}
element.addEventListener('input', (event) => {
  if (event.target.dataset.filter) filter(event.target);
  const told = event.target.type === 'range' && event.target.parentElement.querySelector('output');
  if (told) told.textContent = event.target.dataset.plain === undefined ? `${event.target.value}%` : Number(event.target.value).toFixed(2);
});
// A field that searches does so while one types, once somebody pauses.
let pause = 0;
for (const kind of ['input', 'compositionend']) {
  element.addEventListener(kind, (event) => {
    const { id, name, dataset } = event.target;
    if (dataset.live === undefined || event.isComposing) return;
    window.clearTimeout(pause);
    pause = window.setTimeout(() => {
      const field = document.getElementById(id); // the one that stands there by now
      if (!field) return;
      place = { ...place, [name]: field.value };
      field.form.requestSubmit();
    }, 300);
  });
}
element.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.target.matches('textarea[data-enter]')) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
for (const kind of ['pointerdown', 'keydown']) window.addEventListener(kind, () => { lastActive = Date.now(); }, true);
window.addEventListener('popstate', () => {
  place = Object.fromEntries(new URLSearchParams(window.location.hash.slice(1)));
  send('show');
});

// What others do shows within two seconds, while the page is looked at. A page that nobody touches stops asking, so that its session ends.
setInterval(() => {
  if (Date.now() - lastActive > 20 * 60_000) return;
  if (document.hidden && !(behind.everyMs && Date.now() - behind.asked >= behind.everyMs)) return;
  behind.asked = Date.now();
  if (waiting && Date.now() - waiting < 15_000) return;
  send('show', {}, { quiet: true });
}, 2000);

// A session that ended, or a server that is gone: Gradio tells nobody, so ask now and then.
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(window.location.pathname, { method: 'HEAD', cache: 'no-store', headers: { Accept: 'application/json' } });
    if (answer.status === 401) window.location.assign(`/login?next=${encodeURIComponent(window.location.pathname + window.location.hash)}`);
    if (answer.ok && toast.classList.contains('lost')) {
      toast.classList.remove('lost');
      tell('');
      send('show');
    }
  } catch {
    if (secretThere()) return; // it could not be shown again
    tell(view().words?.offline || '', true);
    toast.classList.add('lost');
  }
}, 5000);

watch('value', render);
send('show');
