// The last part of the conversation's `js_on_load`: what the visitor can press.

function questionBefore(item) {
  for (let node = item; node; node = node.previousElementSibling) {
    const text = node.querySelector('.question .text');
    if (text) return text.textContent;
  }
  return '';
}

function rate(article, value, why) {
  for (const button of article.querySelectorAll('[data-rate]')) {
    button.setAttribute('aria-pressed', String(Number(button.dataset.rate) === value));
  }
  trigger('rate', { reply: article.dataset.reply, value, why, conversation });
}

async function copy(article) {
  const clone = article.querySelector('.text').cloneNode(true);
  for (const mark of clone.querySelectorAll('.mark')) mark.remove();
  const area = document.createElement('textarea');
  area.className = 'sr';
  article.append(area);
  clone.style.cssText = 'position:absolute;left:-9999px';
  article.append(clone);
  area.value = clone.innerText.replaceAll('\u2060', ''); // innerText needs the text laid out to keep its lines
  clone.remove();
  try {
    await navigator.clipboard.writeText(area.value);
  } catch { // no clipboard without https
    area.select();
    document.execCommand('copy');
  }
  area.remove();
  article.querySelector('.said').textContent = words().copied;
}

function pressed(button) {
  const item = button.closest('.item');
  const article = button.closest('article');
  const data = button.dataset;
  const form = article?.querySelector('form.why');
  if ('ask' in data) ask(data.ask);
  else if ('again' in data) ask(questionBefore(item));
  else if ('retry' in data) {
    const text = questionBefore(item);
    if (lost) check();
    if (busy || lost || !text) return;
    for (const node of [item, nodeOf(`q:${data.retry}`)]) node?.remove();
    ask(text, data.retry);
  } else if ('source' in data) {
    const details = article.querySelector(`details[data-number="${data.source}"]`);
    details.open = true;
    details.querySelector('summary').focus({ preventScroll: true });
    reveal(details);
  } else if ('copy' in data) copy(article);
  else if ('rate' in data) {
    const value = Number(data.rate);
    form.hidden = value > 0;
    article.querySelector('.said').textContent = value > 0 ? words().rating_thanks : '';
    rate(article, value, '');
    if (!form.hidden) form.querySelector('[data-why]').focus({ preventScroll: true });
    if (!form.hidden) form.scrollIntoView({ block: 'nearest' });
  } else if ('why' in data) button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'));
  else if ('close' in data) {
    form.hidden = true;
    article.querySelector('.down').focus();
  }
}

log.addEventListener('click', (event) => {
  const button = event.target.closest('button, .mark');
  if (button && button.type !== 'submit') pressed(button);
});
elsewhere.addEventListener('click', (event) => {
  const there = event.target.closest('[data-open]')?.dataset.open;
  if (!there) return;
  if (lost) { tell(words().lost); return; }
  open(there);
  toBox();
});
log.addEventListener('keydown', (event) => {
  if (!event.target.matches('.mark') || (event.key !== 'Enter' && event.key !== ' ')) return;
  event.preventDefault();
  pressed(event.target);
});
log.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.matches('.rating')) { rateChat(form); return; }
  const article = form.closest('article');
  const reasons = Array.from(form.querySelectorAll('[data-why][aria-pressed="true"]'), (chip) => chip.textContent);
  const more = form.querySelector('input').value.trim();
  rate(article, -1, [...reasons, more].filter(Boolean).join('; '));
  form.hidden = true;
  const said = article.querySelector('.said');
  said.textContent = words().rating_thanks;
  article.querySelector('.down').focus({ preventScroll: true });
});

// A source opens at the sentence that was cited.
function reveal(details) {
  details.scrollIntoView({ block: 'nearest' });
  details.querySelector('mark')?.scrollIntoView({ block: 'nearest' });
}
log.addEventListener('click', (event) => {
  const details = event.target.closest('.sources summary')?.parentElement;
  if (details && !details.open) setTimeout(() => reveal(details)); // it opens after its click
});

// The rating at the end: a star shows what else can be said, sending it ends the question.
log.addEventListener('change', (event) => {
  const form = event.target.closest('form.rating');
  if (!form) return;
  form.querySelector('.more').hidden = false;
  form.scrollIntoView({ block: 'nearest' });
});
function rateChat(form) {
  const value = Number(form.elements.score.value);
  trigger('score', { conversation, value, why: form.querySelector('.more input').value.trim() });
}

// What was kept of the visitor, as a file.
let saved = '';
function save({ id, name, text }) {
  if (saved === id) return;
  saved = id;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Below the conversation: end it; one's own data.
const note = document.querySelector('#note');
note.addEventListener('click', (event) => {
  const data = event.target.closest('button')?.dataset;
  const dialog = note.querySelector('dialog.data');
  if (event.target === dialog) dialog.close(); // beside it
  if (!data) return;
  const sure = (now) => {
    dialog.querySelector('.ask').hidden = now;
    dialog.querySelector('.sure').hidden = !now;
    dialog.querySelector(now ? '[data-keep]' : '[data-download]').focus();
  };
  if ('end' in data) trigger('end', { conversation });
  else if ('data' in data) {
    dialog.showModal();
    sure(false);
  } else if ('download' in data) trigger('download', { conversation });
  else if ('erase' in data) sure(true);
  else if ('keep' in data) sure(false);
  else if ('close' in data) dialog.close();
  else if ('sure' in data) {
    dialog.close();
    setBusy(false);
    asked = null;
    held = false;
    leave();
    conversation = newId();
    trigger('erase', { conversation });
  }
});

// Around the conversation. Not through events of Gradio's buttons: those are silent while Gradio has no connection, and whoever sends
// something then has to see it.
function submit() {
  if (ask(field().value)) return;
  field().value = '';
  field().dispatchEvent(new Event('input', { bubbles: true }));
}
function withPerson() {
  const button = document.querySelector('#talk');
  if (button) button.disabled = ['waiting', 'agent'].includes(view().state);
}
const around = {
  send: submit,
  stop: () => { if (Date.now() - began > 500) trigger('stop', {}); }, // it comes up where Send was, under a double click
  talk: () => ask(words().talk_request),
  fresh: () => {
    open(newId());
    toBox();
  },
  language: () => {
    const other = view().language === 'zh' ? 'en' : 'zh';
    window.answerdeskFrame?.language(other);
    document.cookie = `${view().cookie}=${other}; path=/; max-age=31536000; SameSite=Lax`;
    trigger('open', { conversation });
  },
};
document.addEventListener('click', (event) => {
  const name = event.target.closest('#send, #stop, #talk, #fresh, #language')?.id;
  if (!name || !words()) return;
  if (lost && ['fresh', 'language'].includes(name)) tell(words().lost);
  else around[name]();
});
window.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.target !== field()) return;
  const choosing = event.isComposing || event.keyCode === 229; // an input method's Enter chooses a word, it does not send
  if (event.shiftKey && !choosing) return;
  event.stopPropagation();
  if (choosing || !words()) return;
  event.preventDefault();
  submit();
}, true);

window.answerdesk = { settled };
watch('value', render);
render();
