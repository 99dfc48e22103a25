// Says on the page what the nodes have to say: warnings, the first line of an error, files that a workflow lacks.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";

const WARNING_EVENT = "sat3d.warning"; // sent by nodes/host.py
const OWN_ERRORS = "sat3d."; // how the names of the pack's errors begin
// Nodes that open a file: the widget that names it, and the folder of models it belongs into.
const FILES = {
  LoadEG3D: ["checkpoint", "eg3d"],
  SAT3DLoadMasks: ["masks_file", "sat3d_masks"],
  SAT3DLoadEncoder: ["encoder_file", "sat3d_encoders"],
  SAT3DLoadLatent: ["face_file", "sat3d_latents"],
};

function show(severity, summary, detail, life) {
  app.extensionManager?.toast?.add({ severity, summary, detail, life });
}

function* allNodes(graph, seen = new Set()) {
  if (!graph || seen.has(graph)) return;
  seen.add(graph);
  for (const node of graph.nodes ?? graph._nodes ?? []) {
    yield node;
    if (node.subgraph) yield* allNodes(node.subgraph, seen);
  }
}

// Nodes within subgraphs are named by the way to them, such as "6:3".
function titleOf(id) {
  const inner = String(id).split(":").pop();
  for (const node of allNodes(app.graph)) if (String(node.id) === inner) return node.title ?? node.type;
  return "SAT3D";
}

function listed(widget) {
  const values = widget.options?.values;
  return typeof values === "function" ? values(widget) : values;
}

function missingFiles() {
  const found = [];
  for (const node of allNodes(app.graph)) {
    const [name, folder] = FILES[node.type] ?? [];
    const widget = name && node.widgets?.find((each) => each.name === name);
    const values = widget && listed(widget);
    if (!Array.isArray(values) || values.includes(widget.value)) continue;
    const source = node.properties?.models?.find((each) => each.name === widget.value)?.url;
    found.push({ node, file: widget.value, folder, source });
  }
  return found;
}

function tellOfMissingFiles() {
  for (const { node, file, folder, source } of missingFiles()) {
    const where = source ? ` You get it from ${source}.` : "";
    show("warn", `${node.title}: ${file} is not there`, `Put it into models/${folder} and press R.${where}`, 30000);
  }
}

app.registerExtension({
  name: "sat3d.notices",
  setup() {
    api.addEventListener(WARNING_EVENT, ({ detail }) => show("warn", titleOf(detail.node), detail.message, 30000));
    api.addEventListener("execution_error", ({ detail }) => {
      if (!detail?.exception_type?.startsWith(OWN_ERRORS)) return;
      const [sentence, ...more] = (detail.exception_message ?? "").trim().split("\n");
      const step = more.find((line) => line.startsWith("Next step: "));
      show("error", `${titleOf(detail.node_id)}: ${sentence}`, step, 30000);
    });
  },
  // Later than this call: only then the nodes have the values of the file.
  afterConfigureGraph: () => setTimeout(tellOfMissingFiles, 0),
});
