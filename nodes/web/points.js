// Points on the photo: five clicks, or a box that is dragged, in the picture that goes into Align Face.
import { app } from "../../scripts/app.js";

const NODE = "SAT3DAlignFace";
const POINTS = ["left eye", "right eye", "nose tip", "left corner of the mouth", "right corner of the mouth"];
const BUTTON = "point at the face …";
const LEAST_BOX_PX = 8; // of the photo

const element = (tag, style, parent, text = "") => {
  const made = document.createElement(tag);
  Object.assign(made.style, style);
  made.textContent = text;
  parent?.append(made);
  return made;
};

// The picture of the node that the photo comes from, at the photo's own size; null where it shows none.
function photoOf(node) {
  let from = node.getInputNode(node.findInputSlot("image"));
  while (from?.type === "Reroute") from = from.getInputNode(0);
  return from?.imgs?.[0] ?? null;
}

function setWidget(node, name, value) {
  const widget = node.widgets.find((each) => each.name === name);
  widget.value = value;
  widget.callback?.(value);
}

function say(severity, detail) {
  app.extensionManager?.toast?.add({ severity, summary: "Align Face", detail, life: 10000 });
}

class Pointing {
  constructor(node, photo) {
    this.node = node;
    this.points = [];
    this.start = null;
    this.cover = element("div", { position: "fixed", inset: 0, zIndex: 10000, background: "#000c" }, document.body);
    Object.assign(this.cover.style, { display: "grid", placeItems: "center", gridTemplateRows: "auto 1fr" });
    this.cover.dataset.testid = "sat3d-pointing";
    this.words = element("div", { color: "#fff", font: "18px sans-serif", padding: "16px" }, this.cover);
    this.frame = element("div", { position: "relative", alignSelf: "start" }, this.cover);
    this.picture = element("img", { maxWidth: "92vw", maxHeight: "84vh", cursor: "crosshair", userSelect: "none" }, this.frame);
    this.picture.draggable = false;
    this.picture.src = photo.src;
    this.box = element("div", { position: "absolute", border: "2px solid #5ac8ff", pointerEvents: "none" }, this.frame);
    this.box.hidden = true;
    this.onKey = (event) => this.key(event);
    window.addEventListener("keydown", this.onKey, true);
    this.cover.addEventListener("pointerdown", (event) => event.target === this.cover && this.close());
    this.picture.addEventListener("pointerdown", (event) => this.down(event));
    this.picture.addEventListener("pointermove", (event) => this.move(event));
    this.picture.addEventListener("pointerup", (event) => this.up(event));
    this.ask();
  }

  ask() {
    const next = POINTS[this.points.length];
    this.words.textContent = `Click: ${next} (as you see it), ${this.points.length + 1} of 5 — or drag a box around the head. Backspace takes one back, Esc leaves.`;
  }

  // Where in the photo, in its pixels; and where in the picture on the screen.
  at(event) {
    const shown = this.picture.getBoundingClientRect();
    const seen = { x: event.clientX - shown.left, y: event.clientY - shown.top };
    const scale = this.picture.naturalWidth / shown.width;
    return { ...seen, photo: [seen.x * scale, seen.y * scale] };
  }

  down(event) {
    event.preventDefault();
    this.picture.setPointerCapture(event.pointerId);
    this.start = this.at(event);
  }

  move(event) {
    if (!this.start) return;
    const square = this.square(this.at(event));
    this.box.hidden = square.seen < LEAST_BOX_PX;
    const px = (value) => `${value}px`;
    Object.assign(this.box.style, { left: px(square.x), top: px(square.y), width: px(square.seen), height: px(square.seen) });
  }

  // As large as the longer side that was dragged.
  square(end) {
    const seen = Math.max(Math.abs(end.x - this.start.x), Math.abs(end.y - this.start.y));
    const side = Math.max(...[0, 1].map((i) => Math.abs(end.photo[i] - this.start.photo[i])));
    const from = (a, b, size) => (b < a ? a - size : a);
    return {
      seen,
      side,
      x: from(this.start.x, end.x, seen),
      y: from(this.start.y, end.y, seen),
      photo: [0, 1].map((i) => from(this.start.photo[i], end.photo[i], side)),
    };
  }

  up(event) {
    if (!this.start) return;
    const square = this.square(this.at(event));
    if (square.side >= LEAST_BOX_PX && square.seen >= LEAST_BOX_PX) {
      return this.finish("box", [...square.photo, square.side].map(Math.round).join(", "));
    }
    this.points.push(this.start);
    this.start = null;
    if (this.points.length === POINTS.length) {
      return this.finish("five points", this.points.map(({ photo }) => photo.map(Math.round).join(" ")).join(", "));
    }
    this.draw();
  }

  draw() {
    this.frame.querySelectorAll("span").forEach((dot) => dot.remove());
    for (const { x, y } of this.points) {
      const place = { position: "absolute", left: `${x - 4}px`, top: `${y - 4}px`, width: "8px", height: "8px" };
      element("span", { ...place, borderRadius: "4px", background: "#50ff50", pointerEvents: "none" }, this.frame);
    }
    this.ask();
  }

  key(event) {
    event.stopPropagation();
    if (event.key === "Escape") this.close();
    if (event.key === "Backspace" && this.points.pop()) this.draw();
  }

  finish(method, text) {
    setWidget(this.node, "points", text);
    setWidget(this.node, "method", method);
    this.node.setDirtyCanvas?.(true, true);
    this.close();
  }

  close() {
    window.removeEventListener("keydown", this.onKey, true);
    this.cover.remove();
  }
}

app.registerExtension({
  name: "sat3d.points",
  nodeCreated(node) {
    if (node.comfyClass !== NODE) return;
    const button = node.addWidget("button", BUTTON, null, () => {
      const photo = photoOf(node);
      if (photo) new Pointing(node, photo);
      else say("info", "Connect Load Image to 'image': the points are clicked in its picture.");
    });
    button.serialize = false;
  },
});
