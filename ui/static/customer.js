// The first part of the conversation's `js_on_load`: puts the server's items in place and sends messages. What is done while the server
// cannot be reached is lost.js, what the visitor can press acts.js.
// All HTML in `props.value.items` was escaped by the server; whatever this script adds itself is set as text.

const log = element.querySelector('.log');
const scroller = element.querySelector('.scroller');
const latest = element.querySelector('.latest');
const elsewhere = element.querySelector('.elsewhere');
const hint = element.querySelector('.hint');
const page = document.documentElement;

let busy = false;
let conversation = '';
let asked = null; // what was sent and not yet shown by the server
let held = false; // it was sent before the server had told which conversation this is
let turns = 0; // sent and not yet over
let began = 0; // when the last message was sent
let heard = 0; // when the server was last known to be there
let lost = false; // the connection was lost

const view = () => props.value || { items: [], words: {} };
const words = () => view().words;
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
const nodeOf = (key) => Array.from(log.children).find((node) => node.dataset.key === key);
const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
const toEnd = () => { scroller.scrollTop = scroller.scrollHeight; };
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
const tell = (text) => { hint.textContent = text; hint.hidden = !text; };
const field = () => document.querySelector('#box textarea');
const fine = window.matchMedia('(pointer: fine)').matches; // elsewhere a keyboard would come up over the page
const toBox = () => { if (fine) field()?.focus({ preventScroll: true }); };
// Where what had the focus has gone, one goes on writing: a chip that was pressed, Send and Stop, of which one is there at a time.
const astray = () => document.hasFocus() && (document.activeElement === document.body || ['send', 'stop'].includes(document.activeElement.id));

function put(key, html, place) {
  let node = nodeOf(key);
  if (!node) {
    node = document.createElement('div');
    node.className = 'item';
    node.dataset.key = key;
  }
  if (log.children[place] !== node) log.insertBefore(node, log.children[place] || null);
  if (node.source === html) return;
  const open = new Set(Array.from(node.querySelectorAll('details[open]'), (details) => details.dataset.number));
  node.innerHTML = html;
  node.source = html;
  for (const details of node.querySelectorAll('details')) details.open = open.has(details.dataset.number);
  localise(node);
}

// Times in the visitor's own zone and way of writing.
function localise(node) {
  for (const time of node.querySelectorAll('time')) {
    const shape = 'day' in time.dataset ? { weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' } : { timeStyle: 'short' };
    const locale = navigator.languages.find((code) => code.startsWith(page.lang.slice(0, 2))) || page.lang;
    time.textContent = new Intl.DateTimeFormat(locale, shape).format(new Date(time.dateTime));
  }
}

// Something the server made and escaped that is no item; it stays untouched as long as it is the same.
function set(node, html) {
  if (!node || node.source === html) return;
  node.innerHTML = html;
  node.source = html;
  localise(node);
}

function render() {
  const { language, items, tail, title } = view();
  if (!language) return;
  heard = Date.now();
  if (conversation && view().conversation !== conversation) return; // the rest of a turn that was left behind
  conversation = view().conversation;
  if (held) send();
  const follow = atEnd();
  page.lang = language === 'zh' ? 'zh-CN' : language;
  document.title = title;
  scroller.setAttribute('aria-label', words().log_label);
  latest.setAttribute('aria-label', words().latest);
  latest.title = words().latest;
  const keys = new Set(items.map((item) => item.key));
  if (asked && keys.has(`q:${asked.message}`)) asked = null;
  for (const node of log.querySelectorAll('[data-unsent]')) if (keys.has(`q:${node.dataset.unsent}`)) node.removeAttribute('data-unsent');
  for (const node of Array.from(log.children)) {
    const { key } = node.dataset;
    const notice = !key.includes(':') && key !== 'greeting'; // of how things stand, not of what was said
    if (!keys.has(key) && !('own' in node.dataset || 'unsent' in node.dataset) && (!tail || notice)) node.remove();
  }
  const known = tail ? Array.from(log.children).findIndex((node) => node.dataset.key === items[0].key) : 0;
  const start = known < 0 ? log.children.length : known;
  items.forEach((item, place) => put(item.key, item.html, start + place));
  for (const node of log.querySelectorAll('[data-unsent]')) log.append(node); // the server has never seen it: it must not be lost here
  if (asked) for (const node of log.querySelectorAll('[data-own]')) log.append(node);
  else for (const node of log.querySelectorAll('[data-own]')) node.removeAttribute('data-own');
  if (!page.classList.contains('ready')) toBox();
  page.classList.add('ready');
  page.classList.toggle('talking', view().open);
  withPerson();
  if (follow) toEnd();
  set(document.querySelector('#brand .avatar')?.parentElement, view().head);
  set(elsewhere, view().elsewhere);
  elsewhere.hidden = !view().elsewhere;
  if (view().said) tell(view().said);
  if (view().file) save(view().file);
  window.answerdeskFrame?.count(conversation, view().replies);
  goOn();
}

function setBusy(now) {
  busy = now;
  page.classList.toggle('answering', now);
  log.setAttribute('aria-busy', String(now)); // a reader speaks the reply once, when it is whole
  if (now) return;
  if (hint.textContent === words()?.wait) tell('');
  if (astray()) toBox();
}

function showQuestion({ text, message }) {
  put(`q:${message}`, '<article class="question"><div class="text"></div></article>', log.children.length);
  nodeOf(`q:${message}`).querySelector('.text').textContent = text;
  return nodeOf(`q:${message}`);
}

// Show the question and the typing state at once, before the server has them.
function showAsked() {
  for (const chips of log.querySelectorAll('.chips.next, .greeting .chips')) {
    chips.closest('.item').source = ''; // it is no longer what the server sent
    chips.remove();
  }
  log.querySelector('.welcome')?.classList.remove('welcome');
  showQuestion(asked);
  put(`a:${asked.message}`, '<article class="reply typing"><p class="dots"><i></i><i></i><i></i></p></article>', log.children.length);
  for (const key of ['q', 'a']) nodeOf(`${key}:${asked.message}`).dataset.own = '';
  if (astray()) toBox();
  toEnd();
}

// Send a message; returns what is to stay in the box: nothing, or the text that could not be sent.
function ask(text, message) {
  const clean = text.trim();
  if (!clean) return text;
  const twice = Date.now() - began < 500; // a double click
  if (busy || (lost && twice)) {
    if (!twice) tell(words().wait);
    return text;
  }
  const length = Array.from(clean).length;
  if (length > view().limit) {
    tell(fill(words().too_long, { n: length, limit: view().limit }));
    return text;
  }
  tell('');
  asked = { text: clean, message: message || newId() };
  began = Date.now();
  if (lost) {
    showAsked();
    give(words().offline);
    return '';
  }
  turns += 1;
  heard = Date.now();
  setBusy(true);
  showAsked();
  held = !conversation;
  if (!held) send();
  return '';
}

function send() {
  held = false;
  trigger('ask', { ...asked, conversation });
}

// A turn is over, however it ended.
function settled() {
  turns = Math.max(0, turns - 1);
  if (turns === 0) give(words().busy);
  sendDue();
}

// Nothing is running any more; what the server never showed gets the reason and can be tried again.
function give(reason) {
  setBusy(false);
  held = false;
  if (!asked) return;
  const { message } = asked;
  asked = null;
  const node = nodeOf(`a:${message}`);
  node.source = '';
  node.innerHTML = '<div class="notice problem"><p></p><button type="button" class="chip"></button></div>';
  node.querySelector('p').textContent = reason;
  const again = node.querySelector('button');
  again.textContent = words().try_again;
  again.dataset.retry = message;
  for (const key of ['q', 'a']) nodeOf(`${key}:${message}`).dataset.unsent = message;
  toEnd();
}

// What could not be sent belongs to the conversation that is left, and goes with it.
function leave() {
  for (const node of log.querySelectorAll('[data-unsent]')) node.removeAttribute('data-unsent');
}

function open(id) {
  if (busy) trigger('stop', {});
  setBusy(false);
  asked = null;
  held = false;
  leave();
  conversation = id;
  tell('');
  trigger('open', { conversation: id });
}

// What a person says or does shows by itself: soon where one is waited for or there, now and then elsewhere.
let looked = Date.now();
setInterval(() => {
  const { state, stamp } = view();
  const every = state === 'waiting' || state === 'agent' ? 1500 : 6000;
  if (busy || lost || document.hidden || !stamp || Date.now() - looked < every) return;
  looked = Date.now();
  trigger('look', { conversation, stamp });
}, 500);

latest.addEventListener('click', toEnd);
scroller.addEventListener('scroll', () => { latest.hidden = atEnd(); }, { passive: true });
new ResizeObserver(() => { latest.hidden = atEnd(); }).observe(log);
