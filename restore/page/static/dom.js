// Elements by their id, and made of text: whatever a name holds, it is never read as HTML.

export const $ = (id) => document.getElementById(id);

export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// The focus stays where it is when a list is drawn anew: its elements are known by `data-key`.
export function replace(list, items) {
  const key = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...items);
  if (key) [...list.querySelectorAll("[data-key]")].find((element) => element.dataset.key === key)?.focus();
}

export function button(text, key, action, properties = {}) {
  const element = el("button", { type: "button", textContent: text, onclick: action, ...properties });
  element.dataset.key = key;
  return element;
}

export function say(text, error = false) {
  $("notice").textContent = text;
  $("notice").classList.toggle("error", error);
}

// What goes wrong is said in the page's own line, not in the console.
export const saying = (work) => async (...given) => {
  try {
    return await work(...given);
  } catch (error) {
    say(error.message, true);
  }
};
