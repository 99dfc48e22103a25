// The studio's editor: a head to be dragged, a slider for each attribute, before and after, steps back and forth.
import { FINEST, Live } from "./live.js";
import { Row, Strip, addStyle, make } from "./parts.js";
import { MOST_PITCH_DEG, Steps, readState, unedited, writeState } from "./state.js";

const DEG_PER_PX = 0.5;
const COARSE = 0;
const UNLOADED = "The faces are loaded when the node runs.";
const NARROW_PX = 420; // below: the sliders stand under the head
const AGAIN_MS = 500;
const MOST_TRIES = 40;
const clamp = (value, most) => Math.min(most, Math.max(-most, value));

export class Editor {
  // store(text, done): keeps the state, which is a step when done; post(path, body, signal), get(path): ask the host; run(): runs the node; lost().
  constructor({ store, post, get, run, lost }) {
    Object.assign(this, { store, post, get, lost });
    addStyle();
    this.session = null;
    this.state = readState("{}");
    this.steps = new Steps(writeState(this.state));
    this.rows = [];
    this.chosen = 1;
    this.root = make("div", null, { className: "sat3d-studio" });
    this.root.dataset.testid = "sat3d-studio";
    // What happens in here is no matter of the canvas below, nor of its keys.
    for (const kind of ["pointerdown", "dblclick"]) this.root.addEventListener(kind, (event) => event.stopPropagation());
    this.root.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.stopPropagation());
    this.buildLook();
    this.edits = make("div", this.root, { className: "edits" });
    this.veil = make("div", this.root, { className: "veil" });
    this.reason = make("div", this.veil, { className: "reason", textContent: UNLOADED });
    make("button", this.veil, { textContent: "Load the faces", onclick: run });
    // In the page's app mode it stands in a column beside the results.
    new ResizeObserver(() => this.root.classList.toggle("narrow", this.root.offsetWidth < NARROW_PX)).observe(this.root);
    this.live = new Live({
      ask: (text, rung, signal) => this.post("picture", `{"state":${text},"rung":${rung}}`, signal),
      show: (picture) => this.show(picture),
      say: (words) => (this.said.textContent = words),
      gone: () => this.close(),
    });
  }

  buildLook() {
    const look = make("div", this.root, { className: "look" });
    const frame = make("div", look, { className: "frame" });
    this.canvas = make("canvas", frame, { width: 8, height: 8, title: "Drag: turn the head. Double click: the front." });
    this.flag = make("div", frame, { className: "flag" });
    this.said = make("div", frame, { className: "said" });
    const tools = make("div", look, { className: "tools" });
    const tool = (textContent, title, onclick) => make("button", tools, { textContent, title, onclick });
    this.before = tool("Before", "Hold: the face as it came");
    this.undo = tool("Undo", "One step back", () => this.go(-1));
    this.redo = tool("Redo", "One step forth", () => this.go(1));
    tool("Front", "See it from the front", () => this.turn(0, 0, true));
    tool("Reset", "No edits, from the front", () => this.become("{}"));
    this.before.onpointerdown = (event) => this.compare(event, true);
    this.before.onpointerup = this.before.onlostpointercapture = (event) => this.compare(event, false);
    this.canvas.onpointerdown = (event) => this.hold(event);
    this.canvas.onpointermove = (event) => this.drag(event);
    this.canvas.onpointerup = this.canvas.onpointercancel = () => this.release();
    this.canvas.ondblclick = () => this.turn(0, 0, true);
  }

  // -- what the node says

  // `found`: what nodes/studio.py tells of its session.
  open(found) {
    if (found.session !== this.session?.session) {
      this.live.stop();
      this.session = found;
      this.buildEdits();
    }
    this.veil.hidden = true;
    this.root.dataset.session = found.session;
    this.refresh();
    this.live.want(this.text);
  }

  // `why`: what the host said, where it refuses the faces that are wired.
  close(why = UNLOADED) {
    this.session = null;
    this.live.stop();
    this.reason.textContent = why;
    this.veil.hidden = false;
    delete this.root.dataset.session;
    this.lost();
  }

  // A state from outside: of the workflow, or of the host's own undo.
  adopt(text) {
    this.state = readState(text);
    if (this.text !== this.steps.now) this.steps = new Steps(this.text);
    this.refresh();
    if (this.session) this.live.want(this.text);
  }

  buildEdits() {
    this.strip?.remove();
    this.edits.replaceChildren();
    this.strip = new Strip(this.edits, this.session.references, (number) => this.choose(number));
    const does = {
      slide: (name, value) => this.slide(name, value),
      done: () => this.release(),
      take: (name) => this.set(name, { reference: this.chosen }, true),
      as: (name) => this.set(name, { intensity: 1, reference: this.chosen }, true),
    };
    this.rows = this.session.attributes.map((name) => new Row(this.edits, name, does));
    this.choose(Math.min(this.chosen, this.session.references.length));
    const { session } = this.session;
    this.strip.fill((number) => this.fetchFace(session, number), () => this.refresh());
  }

  async fetchFace(session, number) {
    for (let tries = 0; tries < MOST_TRIES && this.session?.session === session; tries++) {
      const response = await this.get(`face/${number}`);
      if (response.ok) return response.blob();
      if (response.status !== 503) return null;
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
    return null;
  }

  // -- what people do

  choose(number) {
    this.chosen = number;
    this.strip.choose(number);
  }

  slide(name, value) {
    // A slider that leaves 0 takes from the chosen reference; one that is away from it keeps its own.
    this.set(name, this.edit(name).intensity ? { intensity: value } : { intensity: value, reference: this.chosen });
  }

  set(name, change, done = false) {
    this.state.edits[name] = { ...this.edit(name), ...change };
    this.changed(done);
  }

  turn(yaw, pitch, done = false) {
    const most = this.session?.most_yaw_deg ?? 180;
    const round = most >= 180 ? ((((yaw + 180) % 360) + 360) % 360) - 180 : clamp(yaw, most);
    const [low, high] = this.session?.pitch_deg ?? [-MOST_PITCH_DEG, MOST_PITCH_DEG];
    this.state.view = { yaw_deg: round, pitch_deg: most ? Math.min(Math.max(pitch, low), high) : 0 };
    this.changed(done);
  }

  hold(event) {
    if (!this.session?.most_yaw_deg || event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.classList.add("held");
    this.held = { x: event.clientX, y: event.clientY, ...this.state.view, scale: this.canvas.offsetWidth / this.canvas.getBoundingClientRect().width };
  }

  drag(event) {
    if (!this.held) return;
    const { x, y, yaw_deg, pitch_deg, scale } = this.held;
    const per = DEG_PER_PX * scale;
    this.turn(yaw_deg - (event.clientX - x) * per, pitch_deg - (event.clientY - y) * per);
  }

  release() {
    this.held = null;
    this.canvas.classList.remove("held");
    this.changed(true);
  }

  compare(event, on) {
    if (!this.session || on === Boolean(this.comparing)) return;
    this.comparing = on;
    if (on) this.before.setPointerCapture(event.pointerId);
    this.flag.textContent = on ? "before" : "";
    this.live.want(on ? writeState(unedited(this.state)) : this.text);
  }

  go(by) {
    const text = this.steps.go(by);
    if (text !== null) this.become(text, false);
  }

  become(text, isStep = true) {
    this.state = readState(text);
    if (isStep) this.steps.take(this.text);
    this.keep(true);
  }

  // -- what follows

  get text() {
    return writeState(this.state);
  }

  edit(name) {
    return this.state.edits[name] ?? { intensity: 0, reference: 1 };
  }

  // While something moves pictures are coarse; when it is let go of, the picture gets fine, and it was one step.
  changed(done) {
    if (done) this.steps.take(this.text);
    this.keep(done);
  }

  keep(done) {
    this.store(this.text, done);
    this.refresh();
    if (this.session) this.live.want(this.text, done ? FINEST : COARSE);
  }

  refresh() {
    for (const row of this.rows) {
      const edit = this.edit(row.name);
      row.show(edit, this.strip.pictures[edit.reference - 1]);
    }
    this.undo.disabled = this.steps.at === 0;
    this.redo.disabled = this.steps.at === this.steps.all.length - 1;
  }

  show(picture) {
    // Never smaller than before, so that the picture does not jump.
    const side = Math.max(picture.width, this.canvas.width);
    if (side !== this.canvas.width) Object.assign(this.canvas, { width: side, height: side });
    this.canvas.getContext("2d").drawImage(picture, 0, 0, side, side);
    this.root.dataset.pictures = Number(this.root.dataset.pictures ?? 0) + 1;
    this.root.dataset.side = picture.width;
  }
}
