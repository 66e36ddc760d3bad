/* Filters for the table of all rules; the address keeps what was chosen. */
import { say } from "./proven.js"

const NAMES = { chapter: "Chapter", tool: "Reported by", weight: "Weight", proof: "Shown by", python: "Holds on Python" }
const table = document.querySelector("table.rules")
const rows = [...table.tBodies[0].rows]
const form = document.querySelector("form.filters")
form.addEventListener("submit", (event) => event.preventDefault())
const shown = document.createElement("output")

function values(row, name) {
  return row.dataset[name].split(" ").filter(Boolean)
}

function select(name) {
  const label = document.createElement("label")
  const box = document.createElement("select")
  box.name = name
  const known = [...new Set(rows.flatMap((row) => values(row, name)))]
  if (name === "python") known.sort()
  box.append(new Option("any", ""), ...known.map((each) => new Option(each, each)))
  if (name === "tool") box.append(new Option("its tests alone", "-"))
  label.append(NAMES[name], box)
  return label
}

function fits(row, name, wanted) {
  const has = values(row, name)
  return wanted === "" || (wanted === "-" ? has.length === 0 : has.includes(wanted))
}

function filter() {
  const chosen = [...new FormData(form)].filter(([, value]) => value)
  for (const row of rows) {
    row.hidden = !chosen.every(([name, value]) => fits(row, name, value))
  }
  const count = rows.filter((row) => !row.hidden).length
  shown.textContent = `${count} of ${rows.length} rules`
  const query = new URLSearchParams(chosen).toString()
  history.replaceState(null, "", query ? `?${query}` : location.pathname)
}

form.append(...Object.keys(NAMES).map(select), shown)
const asked = new URLSearchParams(location.search)
for (const box of form.elements) if (asked.has(box.name)) box.value = asked.get(box.name)
form.addEventListener("change", () => {
  filter()
  say(shown.textContent)
})
filter()
