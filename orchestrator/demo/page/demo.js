// The demo page: a member's direct message and an agent's desk, both through the sandbox's control API.

import { rendered } from "/demo/page/text.js";

const POLL_MS = 700;
const MEMBER = "/control/members/mia";
const AGENTS = ["ada", "ben"];
const STATES = { up: "service is up", starting: "starting the service", down: "service is down" };
const OVER = ["completed", "canceled", "wrapping"];

const at = (id) => document.getElementById(id);
let chosen = null; // sid of the task shown
let known = 0; // tasks seen so far: a new one is shown unless the agent is busy
let polling = false;
const drawn = new Map(); // element -> what it shows, so that only changes touch the page

async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const shown = await answer.json();
  if (!answer.ok) throw new Error(shown.detail || `HTTP ${answer.status}`);
  return shown;
}

// Do something, then look. A refusal is shown below the side it concerns.
async function act(side, path, body) {
  const place = at(`${side}-refused`);
  try {
    await call("POST", path, body || {});
    place.hidden = true;
    return true;
  } catch (refusal) {
    place.textContent = refusal.message;
    place.hidden = false;
    return false;
  } finally {
    await poll();
  }
}

function element(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

function button(label, onclick, name = "quiet") {
  const made = element("button", name, label);
  made.type = "button";
  made.addEventListener("click", async () => {
    made.disabled = true;
    await onclick();
    made.disabled = false;
  });
  return made;
}

// Redraw only when something changed, keep the reader's place unless they are at the end, keep the focus.
function draw(place, value, children) {
  const state = JSON.stringify(value);
  if (drawn.get(place) === state) return;
  drawn.set(place, state);
  const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 60;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.replaceChildren(...children());
  if (focused) place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  if (atEnd) place.scrollTop = place.scrollHeight;
}

function line(message, who, own, text, below = []) {
  const time = new Date(message.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const marks = [who, time];
  if (message.edited_at && !message.deleted_at) marks.push("edited");
  if (message.ephemeral) marks.push(`only you see this, in #${message.channel}`);
  const bubble = element("div", "bubble", ...(message.deleted_at ? ["deleted"] : rendered(text)));
  const classes = ["line", own && "own", message.deleted_at && "gone", message.ephemeral && "alone"];
  return element("li", classes.filter(Boolean).join(" "), element("div", "who", marks.join(" · ")), bubble, ...below);
}

function dmLine(message) {
  const own = message.author !== "bot";
  const parts = [message.content, ...message.embeds.flatMap((e) => [e.title && `**${e.title}**`, e.description])];
  parts.push(...message.attachments.map((file) => `[file] ${file.filename} (${file.size} bytes)`));
  const below = [];
  const alive = message.components.filter((c) => c.custom_id);
  if (alive.length && !message.deleted_at) {
    const buttons = alive.map((component) => {
      const press = { message_id: message.id, custom_id: component.custom_id };
      const made = button(component.label || "…", () => act("dm", `${MEMBER}/clicks`, press));
      made.disabled = component.disabled;
      made.dataset.key = component.custom_id + message.id;
      return made;
    });
    below.push(element("div", "buttons", ...buttons));
  }
  return line(message, own ? "mia" : "Bot", own, parts.filter(Boolean).join("\n"), below);
}

const memberOf = (task) => String(task.attributes.customerName || task.attributes.name || "member");

function deskLine(message, task) {
  const own = AGENTS.includes(message.author);
  const who = message.author.startsWith("discord_") ? memberOf(task) : message.author;
  const files = message.media.map((file) => `[file] ${file.filename} (${file.size} bytes)`);
  return line(message, who, own, [message.body, ...files].filter(Boolean).join("\n"));
}

function taskRow(task) {
  const select = button("", () => choose(task.sid), "name");
  select.append(element("b", "", memberOf(task)), ` · task …${task.sid.slice(-5)}`);
  select.dataset.key = task.sid;
  select.setAttribute("aria-pressed", String(task.sid === chosen));
  const row = element("li", task.sid === chosen ? "chosen" : "", select);
  row.append(element("span", `tag ${task.status}`, task.agent ? `${task.status}: ${task.agent}` : task.status));
  if (!task.agent && !OVER.includes(task.status)) {
    for (const agent of AGENTS) {
      const accept = button(`Accept as ${agent}`, async () => {
        chosen = task.sid;
        if (await act("desk", `/control/tasks/${task.sid}/accept`, { agent })) at("desk-text").focus();
      });
      accept.dataset.key = `${task.sid}-${agent}`;
      row.append(accept);
    }
  }
  return row;
}

async function choose(sid) {
  chosen = sid;
  drawn.delete(at("desk"));
  await poll();
}

function drawDesk(tasks) {
  const before = tasks.find((task) => task.sid === chosen);
  if (tasks.length > known && (!before || OVER.includes(before.status))) chosen = tasks.at(-1).sid;
  known = tasks.length;
  const task = tasks.find((one) => one.sid === chosen);
  const rows = tasks.toReversed();
  draw(at("tasks"), [chosen, rows.map((t) => [t.sid, t.status, t.agent, t.attributes])], () => rows.map(taskRow));
  draw(at("desk"), [chosen, task?.messages], () => {
    if (!task) return [element("li", "empty", "No task yet. One appears here when the member asks for a person.")];
    if (!task.messages.length) return [element("li", "empty", "Nothing here yet.")];
    return task.messages.map((message) => deskLine(message, task));
  });
  const talking = Boolean(task && task.agent && !OVER.includes(task.status));
  for (const id of ["desk-text", "desk-send"]) at(id).disabled = !talking;
  at("desk-text").placeholder = talking ? `Reply as ${task.agent}` : "Accept a task to reply";
  at("leave").hidden = at("complete").hidden = !talking;
}

function drawDm(messages) {
  draw(at("dm"), messages, () => {
    if (messages.length) return messages.map(dmLine);
    return [element("li", "empty", "Nothing here yet. Write to the bot, or use /helpme.")];
  });
}

function drawStatus({ state, trouble }) {
  at("lamp").className = `lamp ${state}`;
  if (at("state").textContent !== STATES[state]) at("state").textContent = STATES[state];
  at("kill").disabled = state === "down";
  at("start").disabled = state !== "down";
  at("trouble").hidden = !trouble;
  at("trouble").textContent = trouble;
}

async function poll() {
  if (polling) return;
  polling = true;
  try {
    const [messages, tasks, status] = await Promise.all([
      call("GET", `${MEMBER}/messages`),
      call("GET", "/control/tasks"),
      call("GET", "/demo/status"),
    ]);
    drawDm(messages);
    drawDesk(tasks);
    drawStatus(status);
  } catch {
    at("lamp").className = "lamp down";
    at("state").textContent = "the demo has ended";
    at("kill").disabled = at("start").disabled = true;
  } finally {
    polling = false;
  }
}

// Enter sends, Shift+Enter makes a new line. What was not sent stays in the box.
function writes(side, path, fields) {
  const form = at(`${side}-form`);
  const box = at(`${side}-text`);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    if (!(await act(side, path(), fields(text))) && !box.value) box.value = text;
    at(side).scrollTop = at(side).scrollHeight;
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}

writes("dm", () => `${MEMBER}/messages`, (content) => ({ content }));
writes("desk", () => `/control/tasks/${chosen}/messages`, (body) => ({ body }));
const command = { name: "helpme", channel: "customer-service" };
at("helpme").addEventListener("click", () => act("dm", `${MEMBER}/commands`, command));
at("leave").addEventListener("click", () => act("desk", `/control/tasks/${chosen}/leave`));
at("complete").addEventListener("click", () => act("desk", `/control/tasks/${chosen}/complete`));
at("kill").addEventListener("click", async () => drawStatus(await call("POST", "/demo/kill")));
at("start").addEventListener("click", async () => drawStatus(await call("POST", "/demo/start")));

await poll();
setInterval(poll, POLL_MS);
