// The strip of scenes, and which frame is shown.

import { $, el, replace, saying } from "./dom.js";
import { image } from "./images.js";
import { at, show, survey, video, watch } from "./video.js";

let playing = false;
let striped = null;

const address = (frame, kind) => `/api/${at(`/frame/${frame}.${kind}`)}`;

function strip() {
  const known = survey();
  const of = known && video.number;
  if (of === striped) return;
  striped = of;
  const parts = (known?.scenes ?? []).map((first, scene) => {
    const last = (known.scenes[scene + 1] ?? known.frames) - 1;
    const text = `scene ${scene + 1}: ${first}–${last}`;
    const part = el("button", { type: "button", onclick: () => show(first), title: text }, el("span", { textContent: text }));
    part.dataset.key = `scene${scene}`;
    part.style.flexGrow = last - first + 1;
    part.style.backgroundImage = `url("/api/${at(`/scene/${scene}.jpg`)}")`;
    return part;
  });
  replace($("strip"), parts);
}

function position() {
  const known = survey();
  $("frame").max = (known?.frames ?? 1) - 1;
  $("frame").value = video.frame;
  $("time").textContent = known ? `frame ${video.frame} of ${known.frames}, ${known.times[video.frame].toFixed(2)} s` : (video.state?.surveying.error ?? "looking through the video ...");
}

const play = saying(async () => {
  playing = !playing;
  $("play").textContent = playing ? "Pause" : "Play";
  const known = survey();
  const begin = performance.now() - 1000 * known.times[video.frame];
  while (playing && known === survey()) {
    const next = video.frame + 1;
    if (next >= known.frames) break;
    await image(address(next, "jpg"));
    const early = 1000 * known.times[next] - (performance.now() - begin);
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    if (playing) show(next);
  }
  playing = false;
  $("play").textContent = "Play";
  show(video.frame);
});

// The frame as a picture: a JPEG while it plays.
export const picture = () => image(address(video.frame, playing ? "jpg" : "png"));

export function start() {
  $("frame").oninput = () => show(Number($("frame").value));
  $("back").onclick = () => show(video.frame - 1);
  $("forth").onclick = () => show(video.frame + 1);
  $("play").onclick = play;
  watch((what) => {
    if (what === "video") playing = false;
    $("main").hidden = $("side").hidden = video.number === null;
    strip();
    position();
  });
}
