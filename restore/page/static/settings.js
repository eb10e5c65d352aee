// What is set, previews with it, and the run.

import { ask, wait } from "./api.js";
import { $, el, say, saying } from "./dom.js";
import { more, open as compare } from "./compare.js";
import { refresh as queue } from "./queue.js";
import { sent } from "./tools.js";
import { listed } from "./videos.js";
import { at, video, watch } from "./video.js";

function chosen() {
  const form = $("settings").elements;
  const settings = {
    strength: Number(form.strength.value),
    light: form.light.value.trim() || "off",
    stages: form.stages.value,
    seed: Number(form.seed.value),
    lossless: form.lossless.checked,
    overwrite: form.overwrite.checked,
  };
  return { settings, original: form.original.value || null };
}

const preview = (seconds) =>
  saying(async () => {
    await sent();
    say("");
    const begin = performance.now();
    let shown = null;
    let state = await ask(at("/preview"), "POST", { ...chosen(), frame: video.frame, seconds });
    $("previewing").hidden = $("stop-preview").hidden = false;
    try {
      while (!state.done) {
        $("previewing").value = state.share;
        await wait(100);
        state = await ask("preview");
        if (state.pictures && state.pictures !== shown) {
          say(`first picture after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
          await compare((shown = state.pictures));
        } else if (shown) await more(shown);
      }
    } finally {
      $("previewing").hidden = $("stop-preview").hidden = true;
    }
    if (state.error) throw new Error(state.error);
    if (state.cancelled) return say("the preview was stopped");
    say(`preview after ${((performance.now() - begin) / 1000).toFixed(1)} s, from the frames around alone`);
    await (state.pictures === shown ? more(shown) : compare(state.pictures));
  });

export function start() {
  $("preview").onclick = preview(0);
  $("preview-clip").onclick = preview(2);
  $("stop-preview").onclick = saying(() => ask("preview", "DELETE"));
  $("show-command").onclick = saying(async () => {
    await sent();
    const { command } = await ask(at("/command"), "POST", chosen());
    $("command").textContent = command;
    $("command").hidden = false;
  });
  $("run").onclick = saying(async () => {
    await sent();
    const job = await ask(at("/run"), "POST", chosen());
    $("command").textContent = job.command;
    $("command").hidden = false;
    say(`in the queue: ${job.name}`);
    await queue();
  });
  $("settings").onsubmit = (event) => event.preventDefault();
  watch((what) => {
    if (what !== "video") return;
    $("command").hidden = true;
    const others = listed.videos.filter(({ number }) => number !== video.number);
    const options = others.map(({ number, name }) => el("option", { value: number, textContent: name }));
    $("settings").elements.original.replaceChildren(el("option", { value: "", textContent: "none" }), ...options);
  });
}
