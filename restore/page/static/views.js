// Which of the two views is shown: the mask, or pictures to compare.

import { $ } from "./dom.js";
import { changed } from "./video.js";

const VIEWS = ["mask", "compare"];

export function view(name) {
  for (const one of VIEWS) {
    $(`view-${one}`).hidden = one !== name;
    $(`tab-${one}`).setAttribute("aria-selected", one === name);
    $(`tab-${one}`).tabIndex = one === name ? 0 : -1;
  }
  changed("view");
}

export function start() {
  VIEWS.forEach((name, at) => {
    $(`tab-${name}`).onclick = () => view(name);
    $(`tab-${name}`).onkeydown = (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = VIEWS[(at + 1) % VIEWS.length];
      view(other);
      $(`tab-${other}`).focus();
    };
  });
}
