// Brush, eraser, box and polygon on the chosen layer; undo, clear. Each stroke makes the frame a key frame of the layer.

import { ask } from "./api.js";
import { $, say, saying } from "./dom.js";
import { chosen } from "./layers.js";
import { cross, draw, load, ready, stage } from "./stage.js";
import { at, follow, show, survey, take, video, watch } from "./video.js";

let tool = "brush";
let from = null; // where a drag began, or the first corner of a box that is set by keyboard
let corners = []; // of a polygon
let stroke = null; // the frame and the layer that a stroke is drawn in, and the mask before it
let saved = Promise.resolve(); // strokes are sent one after another
const done = []; // what can be undone

const radius = () => (Number($("size").value) / 100) * survey().height * 0.25 + 0.5;

function position(event) {
  const canvas = $("stage");
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height); // the picture is fitted into the box
  const left = box.left + (box.width - canvas.width * scale) / 2;
  const top = box.top + (box.height - canvas.height * scale) / 2;
  return { x: (event.clientX - left) / scale, y: (event.clientY - top) / scale };
}

function pen() {
  const context = stage.bitmap.getContext("2d");
  context.globalCompositeOperation = tool === "eraser" ? "destination-out" : "source-over";
  context.fillStyle = context.strokeStyle = "#ffffff";
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = 2 * radius();
  return context;
}

const copied = (canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  copy.getContext("2d").drawImage(canvas, 0, 0);
  return copy;
};

// A layer to draw on, and its mask of this frame.
async function prepared() {
  await chosen();
  if (!ready()) await load();
  if (!stage.bitmap) throw new Error("the frame is not there yet; try again");
  if (!stroke) stage.unsent += 1;
  stroke = { frame: video.frame, layer: stage.layer, before: copied(stage.bitmap) };
}

function dab(a, b) {
  const context = pen();
  context.beginPath();
  context.moveTo(a.x, a.y);
  context.lineTo(b.x + 0.01, b.y);
  context.stroke();
}

function path(points) {
  const shape = new Path2D();
  for (const { x, y } of points) shape.lineTo(x, y);
  return shape;
}

const boxed = (a, b) => path([a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }, a]);

function fill(shape) {
  pen().fill(shape);
  stage.shape = null;
}

const blob = (canvas) => canvas.convertToBlob({ type: "image/png" });

function send(layer, frame, canvas) {
  saved = saved.then(
    saying(async () => {
      const path = at(`/layers/${layer}/${frame}.png`);
      take(canvas ? await ask(path, "PUT", await blob(canvas)) : await ask(path, "DELETE"));
      follow();
    }),
  );
  return saved;
}

function finish() {
  const { frame, layer, before } = stroke;
  const keys = video.state.layers.find((one) => one.number === layer)?.keys ?? [];
  done.push({ layer, frame, before: keys.includes(frame) ? before : null });
  stroke = null;
  draw();
  return send(layer, frame, copied(stage.bitmap)).then(sentOne);
}

const sentOne = saying(() => {
  stage.unsent = Math.max(0, stage.unsent - 1);
  return load();
});

function giveUp() {
  from = null;
  corners = [];
  stage.shape = null;
  if (!stroke) return;
  stroke = null;
  sentOne();
}

const undo = saying(async () => {
  const last = done.pop();
  if (!last) return say("nothing to undo");
  if (!video.state.layers.some((layer) => layer.number === last.layer)) return undo();
  await send(last.layer, last.frame, last.before);
  if (last.frame !== video.frame) show(last.frame);
  await load();
  say("undone");
});

const clear = saying(async () => {
  await prepared();
  stage.bitmap.getContext("2d").clearRect(0, 0, stage.bitmap.width, stage.bitmap.height);
  await finish();
});

function pick(name) {
  tool = name;
  giveUp();
  for (const one of $("tools").querySelectorAll("[data-tool]")) one.setAttribute("aria-pressed", one.dataset.tool === name);
  draw();
}

async function down(event) {
  if (event.button) return;
  $("stage").setPointerCapture(event.pointerId);
  const here = position(event);
  cross.shown = false;
  if (tool === "polygon") return corner(here);
  from = here;
  try {
    await prepared();
  } catch (error) {
    from = null;
    throw error;
  }
  if (tool !== "box") dab(here, here);
  draw();
}

function move(event) {
  if (!from || tool === "polygon" || !stroke) return;
  const here = position(event);
  if (tool === "box") stage.shape = boxed(from, here);
  else {
    dab(from, here);
    from = here;
  }
  draw();
}

async function up(event) {
  if (!from || tool === "polygon") return;
  while (from && !stroke) await new Promise((resolve) => setTimeout(resolve, 10));
  if (!from) return;
  const begin = from;
  if (tool === "box") fill(boxed(begin, position(event)));
  else dab(from, position(event));
  from = null;
  await finish();
}

async function corner(here) {
  corners.push(here);
  stage.shape = path(corners);
  draw();
}

async function close() {
  if (corners.length < 3) return say("a polygon has three corners or more");
  await prepared();
  fill(path(corners));
  corners = [];
  await finish();
}

// By keyboard: the cross takes the pointer's part.
async function press(event) {
  const step = event.shiftKey ? 10 : 1;
  const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const { width, height } = $("stage");
  if (event.key in ways) {
    const [x, y] = ways[event.key];
    cross.x = Math.max(0, Math.min(width, cross.x + x));
    cross.y = Math.max(0, Math.min(height, cross.y + y));
    cross.shown = true;
    if (from && tool === "box") stage.shape = boxed(from, cross);
    draw();
  } else if (event.key === " ") {
    event.preventDefault();
    const here = { x: cross.x, y: cross.y };
    cross.shown = true;
    if (tool === "polygon") return corner(here);
    if (tool === "box" && !from) {
      from = here;
      return;
    }
    await prepared();
    if (tool === "box") fill(boxed(from, here));
    else dab(here, here);
    from = null;
    await finish();
    return;
  } else if (event.key === "Enter" && tool === "polygon") {
    await close();
  } else if (event.key === "Escape") {
    pick(tool);
  } else return;
  event.preventDefault();
}

export function start() {
  const canvas = $("stage");
  canvas.onpointerdown = saying(down);
  canvas.onpointermove = move;
  canvas.onpointerup = saying(up);
  canvas.onpointercancel = () => giveUp();
  canvas.ondblclick = saying(async () => tool === "polygon" && close());
  canvas.onkeydown = saying(press);
  canvas.onfocus = () => {
    if (!cross.x && !cross.y) Object.assign(cross, { x: canvas.width / 2, y: canvas.height / 2 });
  };
  canvas.onblur = () => {
    cross.shown = false;
    draw();
  };
  for (const one of $("tools").querySelectorAll("[data-tool]")) one.onclick = () => pick(one.dataset.tool);
  $("undo").onclick = undo;
  $("clear").onclick = clear;
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && event.target.tagName !== "INPUT") undo();
  });
  watch((what) => {
    if (what === "video") {
      done.length = 0;
      stroke = null;
    }
    if (what === "video" || what === "layer") giveUp();
  });
}

// Strokes that are on their way to the server.
export const sent = () => saved;
