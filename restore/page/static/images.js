// Pictures from the server, decoded; the last ones are kept.

const KEPT = 90;
const held = new Map();

export function image(address) {
  if (held.has(address)) {
    const known = held.get(address);
    held.delete(address);
    held.set(address, known);
    return known;
  }
  const picture = new Image();
  picture.src = address;
  const decoded = picture.decode().then(() => picture);
  decoded.catch(() => held.delete(address));
  held.set(address, decoded);
  while (held.size > KEPT) held.delete(held.keys().next().value);
  return decoded;
}

// A mask, white where hidden, as a canvas that is opaque there and clear elsewhere.
export async function mask(address, width, height) {
  const response = await fetch(address);
  const canvas = new OffscreenCanvas(width, height);
  if (!response.ok) return canvas;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(await createImageBitmap(await response.blob()), 0, 0);
  const pixels = context.getImageData(0, 0, width, height);
  for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at];
  context.putImageData(pixels, 0, 0);
  return canvas;
}

// The same in one colour.
export function tinted(canvas, colour) {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, copy.width, copy.height);
  return copy;
}
