// The desk's own, in the same scope as staff.js: keys of the keyboard, canned replies at a slash, and texts put into the box where one writes.

const KEYS = 'answerdesk_keys'; // in the browser's own store: off where somebody does without keys
const SLASH = /(^|\s)\/([\p{L}\p{N}_-]*)$/u; // a slash and what follows it, up to the caret

const writing = () => element.querySelector('textarea[data-canned]');
const picker = () => element.querySelector('.picker');
const fitting = () => Array.from(picker()?.querySelectorAll('li:not([hidden])') || []);
const chosen = () => picker()?.querySelector('[aria-selected="true"]');
const before = (box) => box.value.slice(0, box.selectionStart);

function choose(option) {
  chosen()?.setAttribute('aria-selected', 'false');
  option?.setAttribute('aria-selected', 'true');
  option?.scrollIntoView({ block: 'nearest' });
  if (option) writing()?.setAttribute('aria-activedescendant', option.id);
  else writing()?.removeAttribute('aria-activedescendant');
}

function closePicker() {
  if (picker()) picker().hidden = true;
  choose(null);
}

// Shows the replies that fit what stands after the slash: by their shortcut, else by a word of their text.
function openPicker(word) {
  const list = picker();
  if (!list) return;
  const sought = word.toLowerCase();
  for (const option of list.querySelectorAll('li')) {
    option.hidden = !option.dataset.find.startsWith(sought) && !(sought && option.dataset.insert.toLowerCase().includes(sought));
  }
  list.hidden = false;
  list.querySelector('[data-none]').hidden = fitting().length > 0 || !list.querySelector('li');
  choose(fitting()[0]);
}

// Puts a text in the place of the slash and its word, else after what stands there; nothing is sent.
function insert(text) {
  const box = writing();
  if (!box) return;
  const slash = picker()?.hidden ? null : before(box).match(SLASH);
  if (slash) box.setRangeText(text, box.selectionStart - slash[2].length - 1, box.selectionStart, 'end');
  else box.value = box.value.trim() ? `${box.value.trimEnd()}\n${text}` : text;
  closePicker();
  box.focus();
}

element.addEventListener('input', (event) => {
  if (!event.target.matches('textarea[data-canned]')) return;
  const slash = before(event.target).match(SLASH);
  if (slash) openPicker(slash[2]);
  else closePicker();
});

// Before staff.js, whose Enter sends.
element.addEventListener('keydown', (event) => {
  if (!event.target.matches('textarea[data-canned]') || !picker() || picker().hidden || event.isComposing) return;
  const options = fitting();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && options.length) choose(options[(options.indexOf(chosen()) + step + options.length) % options.length]);
  else if (['Enter', 'Tab'].includes(event.key) && chosen()) insert(chosen().dataset.insert);
  else if (event.key === 'Escape') closePicker();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-insert], [data-pick], [data-open], [data-close]');
  if (!pressed) return;
  if (pressed.dataset.insert !== undefined) insert(pressed.dataset.insert);
  if (pressed.dataset.pick !== undefined) {
    const box = writing();
    if (!SLASH.test(before(box))) box.setRangeText(/\S$/.test(before(box)) ? ' /' : '/', box.selectionStart, box.selectionEnd, 'end');
    box.focus();
    openPicker(before(box).match(SLASH)[2]);
  }
  if (pressed.dataset.open) showKeys();
  if (pressed.dataset.close !== undefined) pressed.closest('dialog').close();
});

function showKeys() {
  const dialog = element.querySelector('#keys');
  dialog.querySelector('#keys-on').checked = window.localStorage.getItem(KEYS) !== 'off';
  dialog.showModal();
}

element.addEventListener('change', (event) => {
  if (event.target.id === 'keys-on') window.localStorage.setItem(KEYS, event.target.checked ? 'on' : 'off');
});

// From one conversation of the list to the next; Enter opens it, as it is a button.
function move(step) {
  const rows = Array.from(element.querySelectorAll('.row'));
  const here = rows.indexOf(document.activeElement);
  const from = here >= 0 ? here : rows.findIndex((row) => row.matches('[aria-current]'));
  const next = from < 0 ? 0 : Math.min(Math.max(from + step, 0), rows.length - 1);
  rows[next]?.focus();
}

window.addEventListener('keydown', (event) => {
  const field = event.target.closest?.('input, textarea, select, dialog');
  const left = field?.closest('dialog:not([open])'); // a dialog that was closed keeps the focus until the next frame
  if (field && !left) {
    if (event.key === 'Escape' && !field.closest('dialog')) field.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || window.localStorage.getItem(KEYS) === 'off') return;
  const does = { j: () => move(1), k: () => move(-1), '/': () => element.querySelector('#search')?.focus(), '?': showKeys }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
});

// A menu closes at a press elsewhere and at Escape, which gives the focus back.
window.addEventListener('pointerdown', ({ target }) => {
  for (const menu of element.querySelectorAll('.menu[open]')) if (!menu.contains(target)) menu.open = false;
});
window.addEventListener('keydown', (event) => {
  const menu = event.key === 'Escape' && element.querySelector('.menu[open]');
  if (!menu) return;
  event.stopImmediatePropagation();
  menu.open = false;
  menu.querySelector('summary').focus();
}, true);
