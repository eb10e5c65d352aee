// The queue: what runs, how far it is, results.

import { ask, wait } from "./api.js";
import { open as compare } from "./compare.js";
import { $, button, el, replace, say, saying } from "./dom.js";

const BUSY = 500; // ms from one question to the next
const IDLE = 3000;
let last = "";

const steer = (job, what) =>
  saying(async () => {
    show(await ask(`queue/${job.number}/${what}`, "POST"));
  });

function row(job) {
  const act = (text, work) => button(text, `job${job.number}-${text}`, work, { ariaLabel: `${text}: ${job.name}` });
  const ends = { running: ["Pause", "Cancel"], waiting: ["Cancel"], paused: ["Resume", "Cancel"], cancelled: ["Resume", "Remove"] };
  const steps = ends[job.status] ?? (job.status === "failed" ? ["Resume", "Remove"] : ["Remove"]);
  const share = job.total ? job.done / job.total : 0;
  const frames = job.total ? `, ${job.done} of ${job.total} frames` : "";
  const left = job.left && job.left !== "?" ? `, ${job.left} left` : "";
  const stopping = job.wanted ? `, being ${job.wanted}` : "";
  const parts = Object.entries(job.provenance ?? {}).map(([name, value]) => `${name} ${(100 * value).toFixed(1)} %`);
  const scores = job.scores ? `PSNR ${job.scores.before.psnr.toFixed(2)} before, ${job.scores.after.psnr.toFixed(2)} dB after` : null;
  return el(
    "li",
    {},
    el("span", { className: "status", textContent: job.status }),
    ` ${job.name}${frames}${left}${stopping}`,
    ["running", "paused"].includes(job.status) ? el("progress", { max: 1, value: share }) : null,
    el(
      "div",
      { className: "row" },
      ...steps.map((text) => act(text, steer(job, text.toLowerCase()))),
      job.status === "done" ? act("Compare", saying(() => compare(`run${job.number}`))) : null,
      job.has.includes("report") ? el("a", { href: `/api/queue/${job.number}/report`, target: "_blank", rel: "noopener", textContent: "Report", className: "button" }) : null,
      job.status === "done" ? el("a", { href: `/api/queue/${job.number}/output`, textContent: job.output, className: "button", download: job.output }) : null,
    ),
    parts.length ? el("small", { textContent: parts.join(", ") }) : null,
    scores ? el("div", {}, el("small", { textContent: scores })) : null,
    ...job.warnings.map((warning) => el("div", {}, el("small", { textContent: warning }))),
    job.status === "failed" ? el("pre", { textContent: job.lines.slice(-6).join("\n") || `exit code ${job.code}` }) : null,
    el("details", {}, el("summary", { textContent: "The command" }), el("pre", { textContent: job.command })),
  );
}

function show(jobs) {
  const text = JSON.stringify(jobs);
  if (text === last) return jobs;
  const opened = new Set([...$("queue").querySelectorAll("details")].flatMap((one, at) => (one.open ? [at] : [])));
  last = text;
  replace($("queue"), jobs.map(row));
  $("queue").querySelectorAll("details").forEach((one, at) => (one.open = opened.has(at)));
  return jobs;
}

export const refresh = async () => show(await ask("queue"));

export async function start() {
  let lost = false;
  for (;;) {
    let jobs = [];
    try {
      jobs = await refresh();
      lost = false;
    } catch (error) {
      if (!lost) say(error.message, true);
      lost = true;
    }
    await wait(jobs.some((job) => ["running", "waiting"].includes(job.status)) ? BUSY : IDLE);
  }
}
