// Two pictures of one frame, parted by a slider, with a magnifier, played in step.

import { ask } from "./api.js";
import { $, el, saying } from "./dom.js";
import { image } from "./images.js";
import { survey, video } from "./video.js";
import { view } from "./views.js";

const ZOOM = 4;
const LENS = 0.22; // of the picture's height, the lens' radius
const LEGENDS = {
  provenance: [["copied from another frame", "#00aa78"], ["filled", "#ffbe00"], ["regenerated", "#e632c8"], ["seen in no frame", "#8000ff"]],
  confidence: [["certain", "#ffffff"], ["seen in no frame", "#000000"]],
};
let of = null; // {id, first, count, names}
let pictures = [null, null];
let lens = null;
let playing = false;
let turn = 0;

const address = (name, frame, kind) => `/api/pictures/${of.id}/${name}/${frame}.${kind}`;
const both = (frame, kind) => Promise.all([$("left").value, $("right").value].map((name) => image(address(name, frame, kind))));

async function load(kind = "png") {
  if (!of) return;
  const now = ++turn;
  const frame = Number($("compare-frame").value);
  const loaded = await both(frame, kind);
  if (now !== turn) return;
  pictures = loaded;
  const { naturalWidth: width, naturalHeight: height } = loaded[0];
  const canvas = $("compare");
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  $("compare-time").textContent = `frame ${frame}`;
  legend();
  draw();
}

function legend() {
  const entries = [$("left").value, $("right").value].flatMap((name) => LEGENDS[name] ?? []);
  $("legend").replaceChildren(
    ...entries.flatMap(([text, colour]) => {
      const swatch = el("span", { className: "swatch" });
      swatch.style.background = colour;
      return [swatch, text];
    }),
  );
}

function paint(context, width, height, divide) {
  context.drawImage(pictures[1], 0, 0, width, height);
  if (divide > 0) {
    const source = (pictures[0].naturalWidth * divide) / width;
    context.drawImage(pictures[0], 0, 0, source, pictures[0].naturalHeight, 0, 0, divide, height);
  }
}

function draw() {
  if (!pictures[0]) return;
  const canvas = $("compare");
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  const divide = (width * Number($("divide").value)) / 100;
  paint(context, width, height, divide);
  const line = Math.max(1, height / 300);
  context.fillStyle = "#ffffff";
  context.fillRect(divide - line / 2, 0, line, height);
  if (!lens || !$("magnify").checked) return;
  const radius = LENS * height;
  context.save();
  context.beginPath();
  context.arc(lens.x, lens.y, radius, 0, 7);
  context.clip();
  context.imageSmoothingEnabled = false; // pixels as they are
  context.translate(lens.x * (1 - ZOOM), lens.y * (1 - ZOOM));
  context.scale(ZOOM, ZOOM);
  paint(context, width, height, divide);
  context.restore();
  context.strokeStyle = "#ffffff";
  context.lineWidth = line;
  context.stroke();
}

const play = saying(async () => {
  playing = !playing;
  $("compare-play").textContent = playing ? "Pause" : "Play both";
  const slider = $("compare-frame");
  const times = survey()?.times ?? [];
  if (playing && Number(slider.value) >= Number(slider.max)) slider.value = slider.min;
  const time = (frame) => 1000 * (times[frame] ?? frame / 25);
  const begin = performance.now() - time(Number(slider.value));
  while (playing && Number(slider.value) < Number(slider.max)) {
    const next = Number(slider.value) + 1;
    await both(next, "jpg"); // both are there before either is shown
    const early = time(next) - (performance.now() - begin);
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    if (!playing) break;
    slider.value = next;
    await load("jpg");
  }
  playing = false;
  $("compare-play").textContent = "Play both";
  await load();
});

export async function open(id) {
  playing = false;
  of = { id, ...(await ask(`pictures/${id}`)) };
  const kept = [$("left").value, $("right").value];
  for (const [side, wanted] of [["left", kept[0] || "degraded"], ["right", kept[1] || "restored"]]) {
    $(side).replaceChildren(...of.names.map((name) => el("option", { value: name, textContent: name })));
    $(side).value = of.names.includes(wanted) ? wanted : side === "left" ? "degraded" : "restored";
  }
  const slider = $("compare-frame");
  Object.assign(slider, { min: of.first, max: of.first + of.count - 1 });
  slider.value = video.frame; // the nearest that there is
  $("compare-none").hidden = true;
  $("compare-part").hidden = false;
  view("compare");
  await load();
}

// There are more frames than when it was opened.
export async function more(id) {
  if (of.id !== id) return;
  of = { ...of, ...(await ask(`pictures/${of.id}`)) };
  $("compare-frame").max = of.first + of.count - 1;
}

function place(event) {
  const canvas = $("compare");
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const left = box.left + (box.width - canvas.width * scale) / 2;
  const top = box.top + (box.height - canvas.height * scale) / 2;
  return { x: (event.clientX - left) / scale, y: (event.clientY - top) / scale };
}

function press(event) {
  const canvas = $("compare");
  const step = canvas.height / 20;
  const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (!(event.key in ways)) return;
  event.preventDefault();
  lens = lens ?? { x: canvas.width / 2, y: canvas.height / 2 };
  lens = { x: lens.x + ways[event.key][0], y: lens.y + ways[event.key][1] };
  draw();
}

export function start() {
  for (const side of ["left", "right"]) $(side).onchange = saying(() => load());
  $("divide").oninput = draw;
  $("compare-frame").oninput = saying(() => load());
  $("compare-play").onclick = play;
  $("magnify").onchange = () => {
    lens = lens ?? { x: $("compare").width / 2, y: $("compare").height / 2 };
    draw();
  };
  const canvas = $("compare");
  canvas.onpointermove = (event) => {
    const here = place(event);
    if (event.buttons) $("divide").value = (100 * here.x) / canvas.width;
    lens = here;
    draw();
  };
  canvas.onpointerdown = canvas.onpointermove;
  canvas.onkeydown = press;
}
