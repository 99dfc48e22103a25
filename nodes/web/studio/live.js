// Pictures of a state that changes all the time: one question at a time, always about the newest state.
const AGAIN_MS = 300;
const UNREACHED_MS = 1000;
const UNREACHED = "The host does not answer; it is asked again"; // to fetch() that is a TypeError
const MOST_KEPT = 12;
const SUPERSEDED = 409;
const BUSY = 503;
export const FINEST = 8;

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

export class Live {
  // ask(text, rung, signal) -> Response; show(bitmap); say(words); gone(): the faces are not in memory any more.
  constructor({ ask, show, say, gone }) {
    Object.assign(this, { ask, show, say, gone });
    this.wanted = null;
    this.now = null; // the question that is being answered
    this.drawn = { text: null, rung: -1 };
    this.finals = new Map();
    this.running = false;
  }

  // The picture of a state, as fine as `finest`; coarser ones come first.
  want(text, finest = FINEST) {
    const known = this.finals.get(text);
    if (known) {
      this.wanted = null;
      this.now?.controller.abort();
      this.drawn = { text, rung: FINEST };
      return this.show(known);
    }
    const seen = this.drawn.text === text && (!this.now || this.now.text === text);
    const rung = seen ? this.drawn.rung + 1 : 0;
    this.wanted = rung <= finest ? { text, rung, finest } : null;
    // The first picture of a movement is soon there, and is shown even if it is not the newest: so it moves at all.
    if (this.now?.rung > 0) this.now.controller.abort();
    if (!this.running) this.run();
  }

  stop() {
    this.wanted = null;
    this.now?.controller.abort();
    this.finals.clear();
    this.drawn = { text: null, rung: -1 };
  }

  async run() {
    this.running = true;
    while (this.wanted) {
      const question = { ...this.wanted, controller: new AbortController() };
      this.wanted = null;
      this.now = question;
      try {
        await this.answer(question);
      } catch (error) {
        await this.failed(error, question);
      }
      this.now = null;
    }
    this.running = false;
  }

  // A host that restarts is asked until it is there again; then it says itself that it has lost the faces.
  async failed(error, question) {
    if (question.controller.signal.aborted) return;
    this.say(error instanceof TypeError ? UNREACHED : String(error.message ?? error));
    if (!(error instanceof TypeError)) return;
    await wait(UNREACHED_MS);
    if (!question.controller.signal.aborted) this.wanted ??= question;
  }

  async answer(question) {
    const { text, rung, finest, controller } = question;
    const response = await this.ask(text, rung, controller.signal);
    if (response.status === SUPERSEDED || response.status === BUSY) {
      if (response.status === BUSY) this.say((await response.json()).error);
      await wait(AGAIN_MS);
      if (!controller.signal.aborted) this.wanted ??= question;
      return;
    }
    if (response.status === 404) return this.gone();
    if (!response.ok) return this.say((await response.json().catch(() => ({}))).error ?? response.statusText);
    const picture = await createImageBitmap(await response.blob());
    if (controller.signal.aborted) return;
    this.say("");
    this.drawn = { text, rung };
    this.show(picture);
    if (response.headers.get("X-Sat3d-Finest") === "1") return this.keep(text, picture);
    if (rung < finest) this.wanted ??= { text, rung: rung + 1, finest };
  }

  // Where one has been before, and before and after, are shown at once.
  keep(text, picture) {
    this.drawn.rung = FINEST;
    this.finals.set(text, picture);
    if (this.finals.size > MOST_KEPT) this.finals.delete(this.finals.keys().next().value);
  }
}
