// A shop's own accent colour as the page's colours: made darker on light ground and lighter on dark ground until text on it can be read.
function answerdeskAccent(hex, dark) {
  if (!/^[0-9a-f]{6}$/i.test(hex || '')) return null;
  const mix = (colour, other, share) => colour.map((part, i) => part + (other[i] - part) * share);
  const light = (colour) => colour
    .map((part) => { const x = part / 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; })
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const css = (colour) => `rgb(${colour.map(Math.round).join(' ')})`;
  const [white, black, ground] = [[255, 255, 255], [0, 0, 0], dark ? [24, 33, 31] : [255, 255, 255]];
  const asked = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const pull = dark ? white : black;
  let accent = asked;
  for (let share = 0; contrast(accent, ground) < 5 && share <= 1; share += 0.05) accent = mix(asked, pull, share);
  const tint = mix(ground, accent, dark ? 0.18 : 0.09);
  let ink = accent;
  for (let share = 0; contrast(ink, tint) < 5 && share <= 1; share += 0.05) ink = mix(accent, pull, share);
  let said = accent; // the customer's own words, white on it where it is dark
  for (let share = 0; dark && contrast(said, white) < 6 && share <= 1; share += 0.05) said = mix(asked, black, share);
  const onAccent = contrast(accent, white) >= contrast(accent, black) ? '#ffffff' : '#0a0f0e';
  return {
    '--accent': css(accent),
    '--accent-strong': css(mix(accent, pull, 0.15)),
    '--on-accent': onAccent,
    '--said': css(said),
    '--on-said': dark ? '#ffffff' : onAccent,
    '--tint': css(tint),
    '--tint-ink': css(ink),
  };
}
