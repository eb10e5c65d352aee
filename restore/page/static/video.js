// The video that is open: what the server knows of it, the frame that is shown, and who wants to know of a change.

import { ask, wait } from "./api.js";
import { say } from "./dom.js";

export const video = { number: null, name: "", state: null, frame: 0 };
const watchers = [];
let polling = 0;

export const watch = (watcher) => watchers.push(watcher);
export const survey = () => video.state?.survey;
export const at = (path = "") => `videos/${video.number}${path}`;

export function changed(what) {
  for (const watcher of watchers) watcher(what);
}

export function take(state) {
  video.state = state;
  changed("state");
}

export async function refresh() {
  const number = video.number;
  const state = await ask(at());
  if (number === video.number) take(state);
}

const busy = (state) =>
  !state.surveying.done || (state.finding && !state.finding.done) || state.layers.some((layer) => layer.following);

// Ask until nothing goes on any more.
export async function follow() {
  const turn = ++polling;
  try {
    while (turn === polling) {
      await refresh();
      if (!busy(video.state)) break;
      await wait(400);
    }
  } catch (error) {
    say(error.message, true);
  }
}

export function show(frame) {
  const frames = survey()?.frames ?? 1;
  video.frame = Math.max(0, Math.min(frames - 1, Math.round(frame)));
  changed("frame");
}

export async function open(number, name) {
  Object.assign(video, { number, name, state: null, frame: 0 });
  changed("video");
  await follow();
}
