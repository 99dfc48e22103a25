// The studio: puts its editor into the node and joins it with the host. The editor itself is in studio/.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { Editor } from "./studio/editor.js";

const NODE = "SAT3DStudio";
const STATE = "state"; // the widget in which the editor keeps what it says
const UI = "sat3d_studio"; // what nodes/studio.py sends when it has run
const SIZE = [640, 620];
const LEAST_HEIGHT = 330;

function hide(widget) {
  widget.hidden = true;
  (widget.options ??= {}).hidden = true; // of Nodes 2.0, which knows this very object
  widget.computeSize = () => [0, -4]; // of pages that do not know hidden widgets
}

// Where a reloaded page finds the session of the node again.
const placeOf = (node) => `sat3d.studio:${node.graph?.id ?? app.graph?.id}:${node.id}`;

function remembered(node) {
  try {
    return JSON.parse(sessionStorage.getItem(placeOf(node)));
  } catch {
    return null;
  }
}

function runNode(node) {
  // Only this node and what it needs, where the page can; else all.
  const alone = node.graph === app.graph ? [String(node.id)] : undefined;
  return app.queuePrompt(0, 1, alone);
}

function addEditor(node) {
  const state = node.widgets?.find((widget) => widget.name === STATE);
  if (!state || typeof node.addDOMWidget !== "function") return; // the node works by its JSON, too
  hide(state);
  node.hideOutputImages = true; // the editor shows the picture
  const address = (path) => `/sat3d/studio/${encodeURIComponent(editor.session?.session ?? "")}/${path}`;
  const editor = new Editor({
    store: (text, done) => {
      // A step is told to the page, which keeps the workflow and its own steps; clicks alone it would see too early.
      if (done) app.canvas?.emitBeforeChange?.();
      state.value = text;
      if (done) app.canvas?.emitAfterChange?.();
    },
    post: (path, body, signal) => api.fetchApi(address(path), { method: "POST", body, signal, headers: { "Content-Type": "application/json" } }),
    get: (path) => api.fetchApi(address(path)),
    run: () => runNode(node),
    lost: () => sessionStorage.removeItem(placeOf(node)),
  });
  node.addDOMWidget("studio", "sat3d_studio", editor.root, {
    serialize: false,
    hideOnZoom: false,
    hideInPanel: true, // beside the graph it would be shown a second time, and take this one's width
    getMinHeight: () => LEAST_HEIGHT,
  });
  node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);
  follow(node, state, editor);
}

// What comes from the host: a run of the node, and a workflow that is opened.
function follow(node, state, editor) {
  const { onExecuted, onConfigure, onRemoved } = node;
  const refuse = ({ detail }) => {
    if (detail?.node_type !== NODE || String(detail.node_id).split(":").pop() !== String(node.id)) return;
    editor.close((detail.exception_message ?? "").trim());
  };
  api.addEventListener("execution_error", refuse);
  node.onExecuted = function (output) {
    const found = output?.[UI]?.[0];
    if (found) delete output.images; // older pages do not know hideOutputImages
    onExecuted?.call(this, output);
    if (!found) return;
    sessionStorage.setItem(placeOf(node), JSON.stringify(found));
    editor.open(found);
  };
  node.onConfigure = function (...given) {
    onConfigure?.apply(this, given);
    editor.adopt(state.value);
    const found = remembered(node);
    if (found && !editor.session) editor.open(found);
  };
  node.onRemoved = function (...given) {
    api.removeEventListener("execution_error", refuse);
    editor.live.stop();
    onRemoved?.apply(this, given);
  };
  editor.adopt(state.value);
}

app.registerExtension({
  name: "sat3d.studio",
  nodeCreated(node) {
    if (node.comfyClass === NODE) addEditor(node);
  },
});
