// The videos of the folder, uploads, and the facts of the video that is open.

import { ask, send } from "./api.js";
import { $, button, el, replace, say, saying } from "./dom.js";
import { open, video, watch } from "./video.js";

export const listed = { videos: [], room: Infinity };

export const list = saying(async () => {
  Object.assign(listed, await ask("videos"));
  $("folder").textContent = listed.folder;
  const items = listed.videos.map(({ number, name }) => {
    const item = button(name, number, saying(() => open(number, name)));
    item.setAttribute("aria-current", number === video.number);
    return el("li", {}, item);
  });
  replace($("videos"), items.length ? items : [el("li", { textContent: "no video in this folder yet; upload one" })]);
});

const upload = saying(async () => {
  const file = $("upload").files[0];
  $("upload").value = "";
  if (!file) return;
  if (file.size > listed.room) {
    const sizes = `${(file.size / 1e6).toFixed(1)} MB, the disk room for ${(listed.room / 1e6).toFixed(1)}`;
    throw new Error(`the file has ${sizes}: ${file.name}`);
  }
  $("uploading").hidden = false;
  try {
    const path = `upload?name=${encodeURIComponent(file.name)}`;
    const { number } = await send(path, file, (share) => ($("uploading").value = share));
    say(`uploaded: ${file.name}`);
    await open(number, file.name);
  } finally {
    $("uploading").hidden = true;
    await list();
  }
});

const facts = saying(async () => {
  const number = video.number;
  const known = await ask(`videos/${number}/facts`);
  if (number !== video.number) return;
  $("facts").replaceChildren(
    ...known.facts.flatMap(([name, text]) => [el("dt", { textContent: name }), el("dd", { textContent: text })]),
  );
  $("facts-part").hidden = false;
});

function damage() {
  const survey = video.state?.survey;
  for (const old of document.querySelectorAll("#facts .damage")) old.remove();
  if (!survey) return;
  const lines = [];
  if (survey.damaged.length) lines.push(["damaged", `about frames ${survey.damaged.join(", ")}`]);
  if (survey.broken) lines.push(["breaks", survey.broken]);
  if (survey.retimed) lines.push(["times", `${survey.retimed} frames had no usable time`]);
  const scenes = survey.scenes.length;
  lines.push(["length", `${survey.frames} frames, ${scenes === 1 ? "one scene" : `${scenes} scenes`}`]);
  for (const [name, text] of lines) {
    $("facts").append(el("dt", { textContent: name, className: "damage" }), el("dd", { textContent: text, className: "damage" }));
  }
}

export function start() {
  $("upload").onchange = upload;
  watch((what) => {
    if (what === "video") {
      list();
      $("facts-part").hidden = true;
      facts().then(damage);
    }
    if (what === "state") damage();
  });
}
