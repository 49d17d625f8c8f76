// The second part of the conversation's `js_on_load`: what is done while the server cannot be reached, and once it is there again.

const store = { // there is none in another site's frame where the browser blocks it
  take() {
    try {
      const kept = sessionStorage.getItem('answerdesk');
      sessionStorage.removeItem('answerdesk');
      return kept;
    } catch { return null; }
  },
  keep(kept) { try { sessionStorage.setItem('answerdesk', JSON.stringify(kept)); } catch { /* what was written is gone with the page */ } },
};
const who = () => window.answerdeskFrame?.who() || ''; // in a shop's page one visitor may follow another
const GONE = [502, 504]; // what a proxy says when the server behind it is not there
const reachable = () => fetch(window.location.pathname, { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(8000) })
  .then((answer) => !GONE.includes(answer.status), () => false);

// Gradio tells nobody when it has lost its server, and does nothing more until it starts the page anew. So ask the server while it is
// silent, say so when it is gone, and start anew as soon as it is back; whatever was sent meanwhile is sent then.
let checking = false;
async function check() {
  if (checking) return;
  checking = true;
  const there = await reachable();
  checking = false;
  if (there) heard = Date.now();
  if (there && lost) window.location.reload();
  if (there || lost) return;
  lost = true;
  const status = document.querySelector('#brand .status');
  status.textContent = words().lost;
  status.classList.add('waiting');
  status.setAttribute('role', 'status');
  turns = 0;
  if (busy && !asked) tell(words().lost);
  give(words().offline);
}
setInterval(() => {
  if (words() && (lost || (!document.hidden && Date.now() - heard > (busy ? 3000 : 6000)))) check();
}, 1500);
window.addEventListener('offline', check);
window.addEventListener('online', check);

// What somebody was sending or writing when the page was left is there again.
let due = []; // what is still to be sent, in order
window.addEventListener('pagehide', () => {
  const shown = Array.from(log.querySelectorAll('.item[data-unsent] .question'));
  const unsent = shown.map((node) => ({ text: node.querySelector('.text').textContent, message: node.closest('.item').dataset.unsent }));
  if (asked) unsent.unshift(asked);
  const written = field()?.value || '';
  if (unsent.length || written) store.keep({ unsent, conversation, draft: written, who: who() });
});
function goOn() {
  const kept = JSON.parse(store.take() || '{}');
  if (kept.who !== who()) return;
  const unsent = kept.unsent || [];
  if (unsent.length && kept.conversation && kept.conversation !== conversation) {
    store.keep(kept); // what is shown next is where they belong
    open(kept.conversation);
    return;
  }
  const box = field();
  if (kept.draft && box && !box.value) {
    box.value = kept.draft;
    box.dispatchEvent(new Event('input', { bubbles: true }));
  }
  due = unsent.filter(({ message }) => !nodeOf(`a:${message}`)?.querySelector('.reply')); // the server had it before it was lost
  for (const one of due) (nodeOf(`q:${one.message}`) || showQuestion(one)).dataset.unsent = one.message;
  sendDue();
}
function sendDue() {
  if (busy || lost || !due.length) return;
  const { text, message } = due.shift();
  ask(text, message); // with its own id, so that it is one message even if the server has it
}

