// The desk's own, in the same scope as staff.js: tells that somebody began to wait for a person, while another page is in front.
// Off until it is switched on, in this browser alone. It says nothing of what anybody wrote.

const SOUND = 'answerdesk_sound';
const SHOW = 'answerdesk_show';
const CHECKS = { 'notify-sound': SOUND, 'notify-show': SHOW };
let audio = null; // browsers make sounds only once somebody has pressed something
let newest = null; // since when the last one waits whom this page knows of

const wanted = (name) => window.localStorage.getItem(name) === 'on';

function sound() {
  audio ||= new AudioContext();
  audio.resume();
  for (const [at, pitch] of [[0, 660], [0.16, 880]]) {
    const tone = audio.createOscillator();
    const loud = audio.createGain();
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.0001, audio.currentTime + at);
    loud.gain.exponentialRampToValueAtTime(0.12, audio.currentTime + at + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + at + 0.3);
    tone.connect(loud).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + 0.32);
  }
}

function show(told, hint) {
  if (typeof Notification === 'undefined' || Notification.permission !== 'granted') return;
  const shownNow = new Notification(told, { body: hint, tag: 'answerdesk-waiting' });
  shownNow.onclick = () => { window.focus(); shownNow.close(); };
}

// The boxes stand where the page is made anew now and then, so what is kept is put into them each time.
function look() {
  behind.everyMs = wanted(SOUND) || wanted(SHOW) ? 8000 : 0;
  for (const [id, name] of Object.entries(CHECKS)) if (element.querySelector(`#${id}`)) element.querySelector(`#${id}`).checked = wanted(name);
  const { since = '', told = '', hint = '' } = element.querySelector('[data-waiting]')?.dataset || {};
  if (!view().regions) return;
  if (newest !== null && since > newest && (document.hidden || !document.hasFocus())) {
    if (wanted(SOUND)) sound();
    if (wanted(SHOW)) show(told, hint);
  }
  if (newest === null || since > newest) newest = since;
}

element.addEventListener('change', async (event) => {
  const name = CHECKS[event.target.id];
  if (!name) return;
  window.localStorage.setItem(name, event.target.checked ? 'on' : 'off');
  if (name === SOUND && event.target.checked) sound();
  if (name === SHOW && event.target.checked && (typeof Notification === 'undefined' || await Notification.requestPermission() !== 'granted')) {
    window.localStorage.setItem(SHOW, 'off');
    tell(view().words.notify_denied, true);
  }
  look();
});
watch('value', look);
