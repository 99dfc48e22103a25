// What the studio's editor keeps in its node (nodes/studio_state.py reads the same), and how one gets back.
export const LEAST = -2;
export const MOST = 3;
export const MOST_PITCH_DEG = 80;
const VERSION = 1;
const MOST_STEPS = 200;

const number = (value, least, most) => Math.min(most, Math.max(least, Number(value) || 0));

// Whatever the text is, a state: what cannot be read is left out.
export function readState(text) {
  let found = {};
  try {
    found = JSON.parse(text) ?? {};
  } catch {
    // as if it were empty
  }
  const edits = {};
  for (const [name, entry] of Object.entries(found.edits ?? {})) {
    const { intensity, reference } = typeof entry === "number" ? { intensity: entry } : (entry ?? {});
    edits[name] = { intensity: number(intensity, LEAST, MOST), reference: number(reference, 1, 16) || 1 };
  }
  const view = { yaw_deg: number(found.view?.yaw_deg, -180, 180), pitch_deg: number(found.view?.pitch_deg, -80, 80) };
  return { edits, view };
}

// Attributes at 0 are no edits, but keep the reference that was chosen for them.
export function plain(state) {
  const kept = Object.entries(state.edits).filter(([, { intensity, reference }]) => intensity || reference !== 1);
  const round = (value, digits) => Number(value.toFixed(digits));
  return {
    version: VERSION,
    edits: Object.fromEntries(kept.map(([name, e]) => [name, { intensity: round(e.intensity, 2), reference: e.reference }])),
    view: { yaw_deg: round(state.view.yaw_deg, 1), pitch_deg: round(state.view.pitch_deg, 1) },
  };
}

export const writeState = (state) => JSON.stringify(plain(state));

// The same view of the face as it came.
export const unedited = (state) => ({ edits: {}, view: state.view });

// Steps that can be taken back: one for each movement, not for each picture of it.
export class Steps {
  constructor(text) {
    this.all = [text];
    this.at = 0;
  }

  get now() {
    return this.all[this.at];
  }

  take(text) {
    if (text === this.now) return;
    this.all = [...this.all.slice(0, this.at + 1), text].slice(-MOST_STEPS);
    this.at = this.all.length - 1;
  }

  // The text to go to, or null where there is none.
  go(by) {
    if (!(this.at + by in this.all)) return null;
    this.at += by;
    return this.now;
  }
}
