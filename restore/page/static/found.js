// What was found: accept, reject and grow, and when each thing is there.

import { ask } from "./api.js";
import { $, button, el, replace, saying } from "./dom.js";
import { removed } from "./stage.js";
import { at, follow, show, survey, take, video, watch } from "./video.js";

const decide = (one, remove, grow) => async () => take(await ask(at("/decide"), "POST", { name: one.name, remove, grow }));

function bar(one) {
  const frames = Math.max(1, survey().frames);
  const [first, last] = one.frames ?? [0, frames - 1];
  const part = el("span", { className: one.proven ? "" : "suspect" });
  part.style.left = `${(100 * first) / frames}%`;
  part.style.width = `${(100 * (last - first + 1)) / frames}%`;
  const now = el("i");
  now.style.left = `${(100 * video.frame) / frames}%`;
  return el("div", { className: "bar" }, part, now);
}

function row(one) {
  const going = removed(one);
  const grow = video.state.decisions[one.name]?.grow ?? 0;
  const score = one.score === null ? "" : ` ${one.score.toFixed(2)}`;
  const frames = one.frames ? `, frames ${one.frames[0]}–${one.frames[1]}` : "";
  const name = `${one.kind}${score}${frames}`;
  const act = (key, text, work, properties) => button(text, `${one.name}-${key}`, saying(work), { ...properties, ariaLabel: `${text}: ${name}` });
  return el(
    "li",
    {},
    act("show", name, async () => show(one.frames?.[0] ?? 0)),
    el("small", { textContent: one.proven ? " proven" : " a suspect", title: one.proven ? "a measurement proves that it hides the scene" : "it lacks a proof, or is of a kind that stays" }),
    bar(one),
    el(
      "div",
      { className: "row" },
      act("accept", "Accept", decide(one, true, grow), { ariaPressed: String(going), title: "it is removed" }),
      act("reject", "Reject", decide(one, false, grow), { ariaPressed: String(!going), title: "it stays in the picture" }),
      act("grow", "Grow", decide(one, going, grow + 1)),
      grow ? act("shrink", "Shrink", decide(one, going, grow - 1)) : null,
      grow ? el("small", { textContent: `grown by ${grow}` }) : null,
    ),
  );
}

function list() {
  const { found, finding } = video.state;
  const going = finding && !finding.done;
  $("find").disabled = going || !survey();
  $("finding").hidden = $("stop-finding").hidden = !going;
  $("finding").value = finding?.share ?? 0;
  $("found-none").hidden = Boolean(found?.length);
  $("found-none").textContent = finding?.error ?? (found ? "Nothing was found." : going ? "Looking ..." : "Not looked for yet. The command line looks for it by itself.");
  replace($("found"), survey() ? (found ?? []).map(row) : []);
}

export function start() {
  $("find").onclick = saying(async () => {
    take(await ask(at("/find"), "POST"));
    await follow();
  });
  $("stop-finding").onclick = saying(async () => take(await ask(at("/find"), "DELETE")));
  watch(() => video.state && list());
}
