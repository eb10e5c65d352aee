// Layers that are drawn: which one is chosen, what it does, masks in and out.

import { ask, send } from "./api.js";
import { $, button, el, replace, say, saying } from "./dom.js";
import { load, stage } from "./stage.js";
import { at, changed, follow, show, take, video, watch } from "./video.js";

const add = async () => {
  const { number, state } = await ask(at("/layers"), "POST", { moves: true });
  stage.layer = number;
  take(state);
};

// The layer that is drawn on: the chosen one, else the last, else a new one.
export async function chosen() {
  if (stage.layer !== null) return;
  const last = video.state.layers.at(-1);
  if (!last) return add();
  stage.layer = last.number;
  changed("state");
}

const choose = (number) => {
  stage.layer = number;
  changed("layer");
};

const set = (number, values) => async () => {
  take(await ask(at(`/layers/${number}`), "POST", values));
  follow();
};

const remove = (number) => async () => {
  if (stage.layer === number) stage.layer = null;
  take(await ask(at(`/layers/${number}`), "DELETE"));
};

function row(layer) {
  const { number, moves, keeps, first, last, keys } = layer;
  const key = (name) => `layer${number}-${name}`;
  const act = (name, text, work, properties) => button(text, key(name), saying(work), properties);
  const pressed = (value) => ({ ariaPressed: String(value) });
  const keyed = keys.includes(video.frame);
  const frames = first === null && last === null ? "all frames" : `frames ${first ?? 0}–${last ?? "the last"}`;
  const drawn = keys.length === 1 ? `drawn in frame ${keys[0]}` : `drawn in ${keys.length} frames`;
  const following = layer.following ? `, following the motion: ${Math.round(100 * layer.following.share)} %` : "";
  const item = el(
    "li",
    { className: number === stage.layer ? "chosen" : "" },
    act("choose", layer.name, async () => choose(number), pressed(number === stage.layer)),
    el("div", {}, el("small", { textContent: layer.error ?? `${frames}; ${drawn}${following}` })),
    el(
      "div",
      { className: "row" },
      act("moves", "Moves", set(number, { moves: true }), { ...pressed(moves), title: "it follows the motion of what is under it" }),
      act("stays", "Stays", set(number, { moves: false }), { ...pressed(!moves), title: "it stands still, as what is on the lens" }),
      act("keeps", "Protects", set(number, { keeps: !keeps }), { ...pressed(keeps), title: "what is drawn is not removed, whatever else hides it" }),
    ),
    el(
      "div",
      { className: "row" },
      act("first", "From here", set(number, { first: first === video.frame ? null : video.frame }), pressed(first === video.frame)),
      act("last", "Until here", set(number, { last: last === video.frame ? null : video.frame }), pressed(last === video.frame)),
      keyed ? act("undraw", "Not drawn here", async () => {
        take(await ask(at(`/layers/${number}/${video.frame}.png`), "DELETE"));
        follow();
      }) : null,
      act("remove", "Delete", remove(number)),
    ),
    el(
      "div",
      { className: "row" },
      ...keys.slice(0, 12).map((frame) => act(`key${frame}`, String(frame), async () => show(frame), { title: `key frame ${frame}` })),
      keys.length > 12 ? el("small", { textContent: `and ${keys.length - 12} more` }) : null,
    ),
  );
  return item;
}

const take_file = saying(async () => {
  const files = [...$("import").files];
  $("import").value = "";
  if (!files.length) return;
  const batch = crypto.randomUUID().replaceAll("-", "");
  say("reading the mask ...");
  for (const file of files) await send(at(`/import/${batch}?name=${encodeURIComponent(file.name)}`), file, () => {});
  const { number, state } = await ask(at(`/import/${batch}`), "POST");
  stage.layer = number;
  take(state);
  say("the mask is a layer now");
  await load();
});

export function start() {
  $("add-layer").onclick = saying(add);
  $("import").onchange = take_file;
  watch(() => {
    if (!video.state) return;
    replace($("layers"), video.state.layers.map(row));
    $("export-video").href = `/api/${at("/mask.mkv")}`;
    $("export-images").href = `/api/${at("/mask.zip")}`;
    $("export-image").href = `/api/${at(`/mask/${video.frame}.png`)}`;
    $("export-image").download = `mask_${video.frame}.png`;
  });
}
