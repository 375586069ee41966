// The job wizard: saves while somebody types, keeps label rows in place, previews rows and guide, adds up the cost.

const WAIT = 900;
const token = document.querySelector('meta[name="csrf-token"]').content;

/** Send the form's text fields to be kept, soon after the last change. */
function autosave(form) {
  const said = form.querySelector("[data-saved]");
  let timer = 0;
  let last = snapshot(form);
  const save = async () => {
    const fields = snapshot(form);
    if (fields === last) return;
    const body = new URLSearchParams(fields);
    body.set("act", "autosave");
    const reply = await fetch(form.action, { method: "POST", body, headers: { "X-CSRFToken": token, Accept: "text/html" } }).catch(() => null);
    if (reply?.ok) last = fields;
    if (said) said.textContent = reply?.ok ? "Saved" : "";
    if (reply?.ok) form.dispatchEvent(new Event("kept"));
  };
  form.addEventListener("input", () => {
    if (said) said.textContent = "";
    clearTimeout(timer);
    timer = setTimeout(save, WAIT);
  });
  form.addEventListener("relabel", () => { clearTimeout(timer); timer = setTimeout(save, WAIT); });
}

function snapshot(form) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
  return fields.toString();
}

/** Label rows: add, remove and move them without a round trip; the buttons are submit buttons for pages without scripts. */
function labels(form) {
  form.addEventListener("click", (event) => {
    const button = event.target.closest('button[name="act"]');
    const [verb, place] = (button?.value ?? "").split(":");
    if (!["add", "remove", "up", "down"].includes(verb)) return;
    event.preventDefault();
    const list = button.closest("[data-label-rows]").querySelector("[data-labels]");
    const rows = [...list.children];
    const row = rows[Number(place)];
    if (verb === "add") add(list, rows);
    else if (verb === "remove") remove(list, row);
    else if (verb === "up") row.previousElementSibling?.before(row);
    else row.nextElementSibling?.after(row);
    number(list);
    if (verb === "up" || verb === "down") button.focus();
    form.dispatchEvent(new Event("relabel"));
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input[data-label-name]")) return;
    event.preventDefault();
    const next = event.target.closest("li").nextElementSibling;
    if (next) next.querySelector("input").focus();
    else event.target.closest("[data-label-rows]").querySelector('button[value^="add:"]').click();
  });
}

function add(list, rows) {
  const row = rows.at(-1).cloneNode(true);
  for (const input of row.querySelectorAll("input, textarea")) {
    input.value = "";
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
  for (const error of row.querySelectorAll(".error")) error.remove();
  list.append(row);
  row.querySelector("input").focus();
}

function remove(list, row) {
  const beside = row.nextElementSibling ?? row.previousElementSibling;
  if (!beside) {
    for (const input of row.querySelectorAll("input, textarea")) input.value = "";
    return;
  }
  row.remove();
  beside.querySelector("input").focus();
}

function number(list) {
  for (const [at, row] of [...list.children].entries()) {
    row.querySelector(".label-no").textContent = at + 1;
    for (const element of row.querySelectorAll("[id]")) element.id = element.id.replace(/\.\d+\./, `.${at}.`);
    for (const label of row.querySelectorAll("label")) label.htmlFor = label.htmlFor.replace(/\.\d+\./, `.${at}.`);
    for (const button of row.querySelectorAll("button")) {
      button.value = button.value.replace(/:\d+/, `:${at}`);
      button.setAttribute("aria-label", button.getAttribute("aria-label").replace(/\d+/, at + 1));
    }
  }
}

/** Another kind has other settings: they come as soon as it is chosen. */
function kinds(form) {
  const area = form.querySelector("[data-settings]");
  form.querySelector("[data-kind]").hidden = true;
  form.addEventListener("change", async (event) => {
    if (event.target.name !== "offer") return;
    const body = new URLSearchParams(snapshot(form));
    body.set("act", "kind");
    const reply = await fetch(form.action, { method: "POST", body, headers: { "X-CSRFToken": token, Accept: "text/html" } }).catch(() => null);
    if (!reply?.ok || form.elements.offer.value !== event.target.value) return;
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    area.replaceChildren(...(page.querySelector("[data-settings]")?.childNodes ?? []));
    form.dispatchEvent(new Event("kept"));
  });
}

/** The worker's page on row after row; loaded anew when the draft was kept. */
function preview(area) {
  const frame = area.querySelector("iframe");
  const shown = area.querySelector("[data-row-shown]");
  const rows = Number(area.dataset.rows);
  let row = 1;
  const show = () => {
    frame.src = `${area.dataset.preview}?row=${row}`;
    shown.textContent = `Row ${row.toLocaleString("en")} of ${rows.toLocaleString("en")}`;
  };
  for (const button of area.querySelectorAll("[data-row]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      row = Math.min(rows, Math.max(1, row + Number(button.dataset.row)));
      show();
    });
  }
  area.closest("form")?.addEventListener("kept", show);
}

/** What plans would find and cost; fetched anew when the draft was kept. */
function outlook(area) {
  area.closest("form").addEventListener("kept", async () => {
    const reply = await fetch(location.href).catch(() => null);
    if (!reply?.ok) return;
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    area.replaceChildren(...(page.querySelector("[data-outlook]")?.childNodes ?? []));
  });
}

function guide(button) {
  const area = document.getElementById("guide-shown");
  button.hidden = false;
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", async () => {
    const open = area.hidden;
    if (open) {
      const body = new URLSearchParams({ guide: document.getElementById("guide").value });
      const reply = await fetch(button.dataset.guide, { method: "POST", body, headers: { "X-CSRFToken": token } }).catch(() => null);
      if (!reply?.ok) return;
      area.innerHTML = await reply.text(); // sanitised by the server
    }
    area.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Hide the preview" : "Preview the guide";
  });
}

/** Parts that belong to one choice: <div data-when="name=value,value"> is shown while it is chosen. */
function choices() {
  const parts = document.querySelectorAll("[data-when]");
  const show = () => {
    for (const part of parts) {
      const [name, values] = part.dataset.when.split("=");
      const chosen = document.querySelector(`input[name="${name}"]:checked`)?.value ?? "";
      part.hidden = !values.split(",").includes(chosen);
    }
  };
  document.addEventListener("change", show);
  show();
}

/** The total and the pay in an hour, while the reward is typed. */
function cost(form) {
  const total = document.querySelector("[data-total]");
  const hourly = document.querySelector("[data-hourly]");
  const money = (value, digits) => value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: digits });
  const show = () => {
    const reward = Number(form.elements.reward.value);
    const budget = Number(form.elements.budget?.value) || Infinity;
    if (!Number.isFinite(reward) || reward < 0) return;
    total.textContent = money(Math.min(reward * Number(form.dataset.cost), budget), 6);
    if (hourly) hourly.textContent = money((reward * 3600) / Number(form.dataset.seconds), 2);
  };
  for (const field of [form.elements.reward, form.elements.budget]) field?.addEventListener("input", show);
}

/** Refuse what is too large before it is sent. */
function upload(form) {
  const input = form.querySelector('input[type="file"]');
  const error = document.createElement("div");
  error.className = "error";
  error.setAttribute("role", "alert");
  input.closest(".field").append(error);
  const complain = (text) => { error.textContent = text; };
  input.addEventListener("change", () => {
    const tooLarge = (input.files[0]?.size ?? 0) > Number(form.dataset.upload);
    input.setCustomValidity(tooLarge ? "This file is larger than this installation accepts." : "");
    complain(input.validationMessage);
  });
}

for (const form of document.querySelectorAll("form[data-autosave]")) autosave(form);
for (const part of document.querySelectorAll("[data-settings]")) {
  labels(part.closest("form"));
  kinds(part.closest("form"));
}
for (const area of document.querySelectorAll("[data-preview]")) preview(area);
for (const area of document.querySelectorAll("[data-outlook]")) outlook(area);
for (const button of document.querySelectorAll("[data-guide]")) guide(button);
for (const form of document.querySelectorAll("form[data-cost]")) cost(form);
for (const form of document.querySelectorAll("form[data-upload]")) upload(form);
choices();
