// Before staff.js, in the same scope: what a page tells, and what it asks before something that is not lightly taken back.
// What people wrote is in these texts, so they are set as text, never as HTML.

const toast = element.querySelector('.toast');
const question = element.querySelector('dialog.sure');
let hideToast = 0;
let toldAt = ''; // the panel whose notice it is

const made = (tag, text, more = {}) => Object.assign(document.createElement(tag), { textContent: text, ...more });
const secretThere = () => Boolean(toast.querySelector('code'));

// keep: until it is closed, or the next thing is done. secret: what is shown only now, to be copied; it stays until somebody is done with it.
function tell(text, wrong, keep, secret, at) {
  window.clearTimeout(hideToast);
  const words = view().words || {};
  toldAt = at || place.tab || '';
  toast.replaceChildren(made('p', text));
  const acts = made('div', '', { className: 'acts' });
  if (secret) {
    toast.append(made('code', secret));
    acts.append(made('button', words.copy, { type: 'button', className: 'copy' }));
  }
  if (keep) acts.append(made('button', words.done, { type: 'button', className: secret ? 'primary' : '' }));
  if (keep) toast.append(acts);
  toast.hidden = !text;
  toast.classList.toggle('wrong', Boolean(wrong));
  toast.classList.toggle('kept', Boolean(keep));
  if (secret) noticeHere();
  if (text && !keep) hideToast = window.setTimeout(() => tell(''), wrong ? 9000 : 4000);
}

// A notice ends with the next thing that is done. A secret that nobody could see again waits in its own panel.
function endNotice() {
  if (!secretThere() && !toast.classList.contains('lost')) tell('');
}
function noticeHere() {
  if (secretThere()) toast.hidden = toldAt !== (place.tab || '');
}

async function copySecret(button) {
  const code = toast.querySelector('code');
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch { // no clipboard without https
    window.getSelection().selectAllChildren(code);
    document.execCommand('copy');
  }
  button.textContent = view().words.copied;
}

toast.addEventListener('click', ({ target }) => {
  if (target.matches('.copy')) copySecret(target);
  else if (target.matches('button') || (!secretThere() && !window.getSelection()?.toString())) tell('');
});
window.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !secretThere()) tell(''); });

// Asks what `told` says, its first line the question and the rest what it means; [name] is what is chosen in that field of the form.
function sure(told, label, form, yes) {
  const filled = told.replace(/\[(\w+)\]/g, (whole, name) => form?.elements[name]?.selectedOptions?.[0]?.textContent ?? whole);
  const [asked, ...means] = filled.split('\n');
  question.querySelector('#sure-asked').textContent = asked;
  question.querySelector('#sure-means').textContent = means.join('\n');
  question.querySelector('[value=yes]').textContent = label;
  question.querySelector('[value=no]').textContent = view().words.cancel;
  question.returnValue = 'no';
  question.onclose = () => { if (question.returnValue === 'yes') yes(); };
  question.showModal();
}
