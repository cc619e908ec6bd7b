// Lines and dates are added and removed without asking the server. Without this script the same buttons submit the form.

const form = document.querySelector("[data-entry]");

const linesOf = () => [...form.querySelectorAll("[data-line]")];
const schedulesOf = (line) => [...line.querySelectorAll("[data-schedule]")];

function rename(element, pattern, replacement) {
  for (const name of ["name", "id", "for", "aria-describedby"]) {
    const value = element.getAttribute(name);
    if (value) element.setAttribute(name, value.replace(pattern, replacement));
  }
}

function numberAnew() {
  linesOf().forEach((line, index) => {
    for (const element of line.querySelectorAll("[name], [id], [for]")) rename(element, /lines-\d+/g, `lines-${index}`);
    for (const place of line.querySelectorAll("[data-number]")) place.textContent = index + 1;
    for (const button of line.querySelectorAll("[data-index]")) button.value = index;
    const schedules = schedulesOf(line);
    schedules.forEach((schedule, position) => {
      for (const element of schedule.querySelectorAll("[name], [id], [for]")) {
        rename(element, /schedules-\d+/g, `schedules-${position}`);
      }
      schedule.querySelector("[data-index-pair]").value = `${index}-${position}`;
    });
    const count = line.querySelector("[name$='schedules-TOTAL_FORMS']");
    if (count) count.value = schedules.length;
  });
  const total = form.querySelector("[name='lines-TOTAL_FORMS']");
  if (total) total.value = linesOf().length;
}

function emptied(element) {
  const copy = element.cloneNode(true);
  for (const field of copy.querySelectorAll("input:not([type=hidden]):not([type=radio]), textarea")) field.value = "";
  for (const field of copy.querySelectorAll("input[type=hidden]:not([name$='TOTAL_FORMS'])")) field.value = "";
  for (const error of copy.querySelectorAll(".field-error")) error.remove();
  for (const field of copy.querySelectorAll(".is-invalid")) {
    field.classList.remove("is-invalid");
    field.removeAttribute("aria-invalid");
  }
  return copy;
}

function enter(element) {
  element.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

const does = {
  add_line() {
    const last = linesOf().at(-1);
    const copy = emptied(last);
    schedulesOf(copy).slice(1).forEach((schedule) => schedule.remove());
    // A new line is most often ordered in the unit of the line above.
    copy.querySelectorAll("select").forEach((select, index) => { select.value = last.querySelectorAll("select")[index].value; });
    last.after(copy);
    numberAnew();
    enter(copy);
  },
  remove_line(button) {
    if (linesOf().length < 2) return;
    const line = button.closest("[data-line]");
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    numberAnew();
    enter(next);
  },
  add_schedule(button) {
    const last = schedulesOf(button.closest("[data-line]")).at(-1);
    const copy = emptied(last);
    last.after(copy);
    numberAnew();
    enter(copy);
  },
  remove_schedule(button) {
    const schedule = button.closest("[data-schedule]");
    if (schedulesOf(button.closest("[data-line]")).length < 2) return;
    const next = schedule.nextElementSibling;
    schedule.remove();
    numberAnew();
    enter(next);
  },
};

if (form) {
  let dirty = false;
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[name]");
    const act = button && does[button.name];
    if (!act) return;
    event.preventDefault();
    dirty = true;
    act(button);
  });
  form.addEventListener("input", () => { dirty = true; });
  form.addEventListener("submit", () => { dirty = false; });
  window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
}
