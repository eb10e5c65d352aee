// The frame with what is found and drawn over it.

import { ask } from "./api.js";
import { $, saying } from "./dom.js";
import { mask, tinted } from "./images.js";
import { picture } from "./player.js";
import { at, survey, video, watch } from "./video.js";

export const REMOVED = "#f97316"; // and what stays: the two are told apart by dashes as well
export const STAYS = "#38bdf8";
const DRAWN = "#facc15";
const KEPT = "#a78bfa";

export const cross = { x: 0, y: 0, shown: false };
// The chosen layer, its canvas, what is being dragged, and how many strokes the server does not have yet.
export const stage = { layer: null, bitmap: null, shape: null, unsent: 0 };
let shown = { frame: null, outlines: {}, others: [], whole: null };
let turn = 0;
let loaded = "";

export const removed = (one) => video.state.decisions[one.name]?.remove ?? one.proven;

export async function load() {
  const now = ++turn;
  const known = survey();
  if (!known || $("view-mask").hidden || stage.unsent) return; // what is being drawn is not replaced
  const { width, height } = known;
  const layers = video.state.layers;
  const get = (path) => mask(`/api/${at(path)}`, width, height);
  const [frame, outlines, bitmaps, whole] = await Promise.all([
    picture(),
    video.state.found ? ask(at(`/outlines/${video.frame}`)) : {},
    Promise.all(layers.map((layer) => get(`/layers/${layer.number}/${video.frame}.png`))),
    $("only-mask").checked ? get(`/mask/${video.frame}.png`) : null,
  ]);
  if (now !== turn || stage.unsent) return;
  const own = layers.findIndex((layer) => layer.number === stage.layer);
  stage.bitmap = own < 0 ? null : bitmaps[own];
  const others = layers.map((layer, index) => (index === own ? null : tinted(bitmaps[index], layer.keeps ? KEPT : DRAWN)));
  shown = { frame, outlines, others: others.filter(Boolean), whole };
  Object.assign($("stage"), { width, height });
  loaded = `${video.number} ${video.frame} ${stage.layer}`;
  draw();
}

// Whether the chosen layer's mask of this frame is there to be drawn on.
export const ready = () => loaded === `${video.number} ${video.frame} ${stage.layer}` && stage.bitmap;

export function draw() {
  const canvas = $("stage");
  const context = canvas.getContext("2d");
  if (!shown.frame) return;
  context.drawImage(shown.frame, 0, 0, canvas.width, canvas.height);
  if (shown.whole) {
    context.globalAlpha = 0.75;
    context.drawImage(tinted(shown.whole, "#ffffff"), 0, 0);
    context.globalAlpha = 1;
  }
  context.globalAlpha = 0.35;
  for (const other of shown.others) context.drawImage(other, 0, 0);
  const own = video.state.layers.find((layer) => layer.number === stage.layer);
  context.globalAlpha = 0.55;
  if (stage.bitmap && own) context.drawImage(tinted(stage.bitmap, own.keeps ? KEPT : DRAWN), 0, 0);
  context.globalAlpha = 1;
  const line = Math.max(1, canvas.height / 300);
  for (const one of video.state.found ?? []) outline(context, one, line);
  if (stage.shape) {
    context.strokeStyle = "#ffffff";
    context.lineWidth = line;
    context.setLineDash([]);
    context.stroke(stage.shape);
  }
  if (cross.shown) {
    context.fillStyle = "#ffffff";
    context.fillRect(cross.x - 4 * line, cross.y - line / 2, 8 * line, line);
    context.fillRect(cross.x - line / 2, cross.y - 4 * line, line, 8 * line);
  }
}

function outline(context, one, line) {
  const polygons = shown.outlines[one.name] ?? [];
  const going = removed(one);
  context.lineWidth = line * 1.5;
  context.strokeStyle = going ? REMOVED : STAYS;
  context.setLineDash(going ? [] : [4 * line, 3 * line]);
  for (const polygon of polygons) {
    context.beginPath();
    for (let point = 0; point < polygon.length; point += 2) context.lineTo(polygon[point] + 0.5, polygon[point + 1] + 0.5);
    context.closePath();
    context.stroke();
  }
  if (!polygons.length) return;
  context.font = `${Math.max(9, 9 * line)}px system-ui`;
  context.fillStyle = context.strokeStyle;
  context.fillText(one.kind, polygons[0][0] + 2, Math.max(10, polygons[0][1] - 3));
}

export function start() {
  $("only-mask").onchange = saying(load);
  watch((what) => {
    if (what === "video") {
      Object.assign(stage, { layer: null, bitmap: null, shape: null, unsent: 0 });
      shown = { frame: null, outlines: {}, others: [], whole: null };
    }
    saying(load)();
  });
}
