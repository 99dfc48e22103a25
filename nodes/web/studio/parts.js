// The pieces of the studio's editor: elements, their looks, a row for each attribute, the strip of references.
import { LEAST, MOST } from "./state.js";

const STYLE = `
.sat3d-studio { display: flex; gap: 10px; height: 100%; width: 100%; box-sizing: border-box; padding: 4px; font: 12px sans-serif;
  color: var(--input-text, #ddd); user-select: none; overflow: hidden; position: relative; }
.sat3d-studio * { box-sizing: border-box; }
.sat3d-studio .look { flex: 1 1 60%; min-width: 0; display: flex; flex-direction: column; gap: 6px; }
.sat3d-studio .frame { flex: 1 1 0; min-height: 0; position: relative; background: #0006; border-radius: 6px; overflow: hidden; }
.sat3d-studio canvas { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; cursor: grab; touch-action: none; }
.sat3d-studio canvas.held { cursor: grabbing; }
.sat3d-studio .flag { position: absolute; left: 6px; top: 6px; padding: 2px 6px; border-radius: 4px; background: #000a; color: #fff; }
.sat3d-studio .said { position: absolute; left: 6px; right: 6px; bottom: 6px; padding: 3px 6px; border-radius: 4px; background: #000c; color: #fd9; }
.sat3d-studio .flag:empty, .sat3d-studio .said:empty { display: none; }
.sat3d-studio .tools { display: flex; gap: 4px; flex-wrap: wrap; }
.sat3d-studio button { background: var(--comfy-input-bg, #333); color: inherit; border: 1px solid var(--border-color, #555); border-radius: 4px;
  padding: 3px 8px; cursor: pointer; font: inherit; }
.sat3d-studio button:hover:not(:disabled) { border-color: var(--input-text, #ddd); }
.sat3d-studio button:disabled { opacity: 0.4; cursor: default; }
.sat3d-studio .edits { flex: 1 1 40%; min-width: 0; display: flex; flex-direction: column; gap: 6px; overflow-y: auto; }
.sat3d-studio .strip { display: flex; gap: 4px; flex-wrap: wrap; }
.sat3d-studio .face { width: 52px; height: 52px; padding: 0; border-radius: 5px; border: 2px solid transparent; background: #0006 center / cover; cursor: pointer;
  position: relative; flex: none; }
.sat3d-studio .face.chosen { border-color: #5ac8ff; }
.sat3d-studio .face span { position: absolute; right: 1px; bottom: 0; padding: 0 3px; background: #000a; color: #fff; font-size: 10px; border-radius: 3px; }
.sat3d-studio .row { display: grid; grid-template-columns: 1fr auto auto 26px; gap: 0 6px; align-items: center; }
.sat3d-studio .row .face { width: 26px; height: 26px; border-width: 1px; grid-row: span 2; grid-column: 4; grid-row-start: 1; }
.sat3d-studio .row input { grid-column: 1 / 4; width: 100%; margin: 0; accent-color: #5ac8ff; }
.sat3d-studio .row b { font-weight: normal; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.sat3d-studio .row i { font-style: normal; font-variant-numeric: tabular-nums; }
.sat3d-studio .row button.as { padding: 0 5px; font-size: 11px; }
.sat3d-studio.narrow { flex-direction: column; overflow-y: auto; }
.sat3d-studio.narrow > * { flex: none; overflow: visible; }
.sat3d-studio.narrow .frame { flex: none; aspect-ratio: 1; }
.sat3d-studio .veil { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 8px; background: #000b; color: #fff;
  text-align: center; border-radius: 6px; }
.sat3d-studio .reason { max-width: 44em; padding: 0 12px; white-space: pre-wrap; }
.sat3d-studio .veil[hidden] { display: none; }
`;

export function make(tag, parent, properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  parent?.append(made);
  return made;
}

export function addStyle() {
  if (!document.getElementById("sat3d-studio-style")) make("style", document.head, { id: "sat3d-studio-style", textContent: STYLE });
}

export const spoken = (name) => name.replaceAll("_", " ");

// One attribute: its name, how much of it, "as in the reference", and whose it is.
export class Row {
  constructor(parent, name, { slide, done, take, as }) {
    this.name = name;
    this.box = make("div", parent, { className: "row" });
    this.box.dataset.attribute = name;
    make("b", this.box, { textContent: spoken(name), title: "Double click: 0" }).ondblclick = () => (slide(name, 0), done());
    this.number = make("i", this.box);
    this.as = make("button", this.box, { className: "as", textContent: "= reference", title: "As in the chosen reference: 1" });
    this.as.onclick = () => as(name);
    this.face = make("button", this.box, { className: "face", title: "Click: take it from the chosen reference" });
    this.face.onclick = () => take(name);
    this.input = make("input", this.box, { type: "range", min: LEAST, max: MOST, step: 0.05, value: 0 });
    this.input.ariaLabel = spoken(name);
    this.input.oninput = () => slide(name, Number(this.input.value));
    this.input.onchange = done;
  }

  show({ intensity, reference }, picture) {
    this.input.value = intensity;
    this.number.textContent = intensity.toFixed(2);
    this.face.style.backgroundImage = picture ? `url(${picture})` : "";
    this.face.style.visibility = intensity ? "visible" : "hidden";
    this.face.dataset.reference = reference;
  }
}

// The faces that attributes are taken from; the chosen one is where the next movement takes from.
export class Strip {
  constructor(parent, names, choose) {
    this.box = make("div", parent, { className: "strip" });
    this.pictures = [];
    this.faces = names.map((name, i) => {
      const face = make("button", this.box, { className: "face", title: name });
      make("span", face, { textContent: i + 1 });
      face.onclick = () => choose(i + 1);
      return face;
    });
  }

  choose(number) {
    this.faces.forEach((face, i) => face.classList.toggle("chosen", i + 1 === number));
  }

  // Numbers are from 1.
  async fill(fetchFace, filled) {
    for (const [i, face] of this.faces.entries()) {
      const blob = await fetchFace(i + 1);
      if (!blob) return;
      this.pictures[i] = URL.createObjectURL(blob);
      face.style.backgroundImage = `url(${this.pictures[i]})`;
      filled();
    }
  }

  remove() {
    this.pictures.forEach((url) => URL.revokeObjectURL(url));
    this.box.remove();
  }
}
