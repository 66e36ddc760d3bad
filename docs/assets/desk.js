/* The desk: takes what a tool printed, and shows which rules it is about. Nothing is sent. */
import { read } from "./desk-readers.js"
import { findings as counted, group, markdown, place } from "./desk-report.js"
import { say } from "./proven.js"

const SHOWN = 20 // of a list, until all are asked for
const LONG = 200_000 // characters: more than that is read, but not put into the field
const root = new URL("..", import.meta.url)
const known = fetch(new URL("desk.json", root)).then((answer) => answer.json())
const here = document.querySelector("link[rel=canonical]")?.href ?? location.href
const site = new URL("../", here) // its public address, which the links of a review need

function make(tag, { class: kind, ...properties } = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties)
  if (kind) node.className = kind
  node.append(...children)
  return node
}

// what is asked
const form = document.getElementById("desk")
const field = make("textarea", {
  id: "desk-text",
  rows: 8,
  wrap: "off",
  spellcheck: false,
  autocomplete: "off",
})
const files = make("input", { id: "desk-files", type: "file", multiple: true })
form.append(
  make("label", { htmlFor: field.id }, "What the tool printed"),
  field,
  make("label", { htmlFor: files.id }, "Or files, chosen or dropped here"),
  files,
)
const report = make("section", { class: "desk-report", hidden: true })
report.setAttribute("aria-label", "Report")
form.after(report)

form.addEventListener("submit", (event) => event.preventDefault())
field.addEventListener("input", () => {
  files.value = ""
  show([{ name: "", text: field.value }])
})
field.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain")
  if (text.length < LONG) return
  event.preventDefault() // a field that holds megabytes makes the page slow
  field.value = ""
  show([{ name: "", text }])
})
files.addEventListener("change", () => take(files.files))
// a file may be dropped anywhere: beside the form the browser would leave the page for it
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return
  event.preventDefault()
  form.classList.add("over")
})
document.addEventListener("dragleave", () => form.classList.remove("over"))
document.addEventListener("drop", (event) => {
  form.classList.remove("over")
  if (event.dataTransfer.files.length === 0) return
  event.preventDefault()
  take(event.dataTransfer.files)
})

async function take(given) {
  field.value = ""
  const read = async (file) => ({ name: file.name, text: decoded(await file.arrayBuffer()) })
  show(await Promise.all([...given].map(read)))
}

/** Decode a file: Windows' PowerShell writes UTF-16 where it redirects. */
function decoded(bytes) {
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength))
  return new TextDecoder(first === 0xff && second === 0xfe ? "utf-16le" : "utf-8").decode(bytes)
}

// what is answered
let asked = 0

async function show(sources) {
  const turn = ++asked
  const rules = await known
  if (turn !== asked) return // something newer was given
  const given = sources.filter(({ text }) => text.trim())
  report.hidden = given.length === 0
  if (report.hidden) return
  const found = []
  const unread = []
  for (const { name, text } of given) {
    const each = read(text)
    for (const finding of each.findings) found.push(finding)
    for (const { at, what } of each.unread) unread.push({ at: name ? `${name}, ${at}` : at, what })
  }
  const grouped = group(found, rules)
  const summary = summed(found, grouped, unread)
  const chosen = new Map()
  report.replaceChildren(make("h2", {}, "Report"), make("p", {}, summary))
  if (found.length) report.append(copyButton(() => markdown(grouped, site, chosen)))
  if (unread.length) report.append(...notUnderstood(unread))
  if (grouped.folder) report.append(make("p", {}, "Paths begin in ", code(grouped.folder), "."))
  report.append(...grouped.groups.map((each) => section(each, chosen)))
  if (grouped.uncovered.length) report.append(...noRule(grouped.uncovered))
  say(summary)
}

function summed(found, { uncovered }, unread) {
  if (found.length === 0 && unread.length === 0) return "The report is clean: it has no finding."
  const without = uncovered.reduce((sum, { count }) => sum + count, 0)
  const understood = found.length
    ? `${counted(found.length)}, ${number(found.length - without)} of them covered by a rule.`
    : "No finding was understood."
  return unread.length
    ? `${understood} Not understood: ${number(unread.length)}, listed below.`
    : understood
}

const number = (count) => count.toLocaleString("en")
const code = (text) => make("code", {}, text)

function copyButton(write) {
  const button = make("button", { type: "button", class: "desk-copy" }, "Copy as Markdown")
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(write())
      button.textContent = "Copied"
      say("Copied to the clipboard, as Markdown")
    } catch {
      button.textContent = "Not copied"
      say("Not copied: the browser doesn't allow it here")
    }
    setTimeout(() => (button.textContent = "Copy as Markdown"), 2000)
  })
  return button
}

function notUnderstood(unread) {
  const item = ({ at, what }) => make("li", {}, `${at}: `, make("samp", {}, what))
  const list = make("ul", { class: "desk-unread" })
  const head = make("h3", {}, "Not understood")
  return [head, list, ...rows(list, unread, item, "that were not understood")]
}

function section({ key, rules, findings }, chosen) {
  const [rule] = rules
  const part = make("section", { class: "desk-group" })
  if (rules.length === 1) {
    const about = make("p", { class: "desk-rule" }, code(rule.id), ` ${rule.strength}`)
    about.append(` · ${counted(findings.length)}`)
    part.append(make("h3", {}, link(rule)), about)
  } else {
    const codes = [...new Set(findings.map((each) => each.code))]
    const listed = codes.flatMap((each, n) => [n ? ", " : "", code(each)])
    part.append(
      make("h3", {}, ...listed, ": one of these"),
      make("ul", { class: "desk-rules" }, ...rules.map((each) => make("li", {}, link(each)))),
      choice(key, rules, chosen),
    )
  }
  const list = make("ul", { class: "desk-findings" })
  const item = (each) =>
    make("li", {}, code(place(each)), ` ${each.tool} `, code(each.code), ` ${each.message}`)
  part.append(list, ...rows(list, findings, item, "findings"))
  return part
}

/** Fill a list with its first items; a button brings the others. */
function rows(list, items, item, what) {
  list.append(...items.slice(0, SHOWN).map(item))
  if (items.length <= SHOWN) return []
  const more = make("button", { type: "button", class: "desk-more" })
  more.append(`Show all ${number(items.length)} ${what}`)
  more.addEventListener("click", () => {
    list.append(...items.slice(SHOWN).map(item))
    list.tabIndex = -1
    list.focus() // the button that had the focus is gone
    more.remove()
  })
  return [more]
}

function choice(key, rules, chosen) {
  const box = make("select", {}, new Option("all of them", ""))
  box.append(...rules.map(({ id }) => new Option(id, id)))
  box.addEventListener("change", () => chosen.set(key, box.value))
  return make("label", { class: "desk-choice" }, "In the Markdown: ", box)
}

function link({ title, address }) {
  const words = title.split("`").map((part, n) => (n % 2 ? code(part) : part))
  return make("a", { href: new URL(address, root) }, ...words)
}

function noRule(uncovered) {
  const row = ({ tool, code: name, count }) => {
    const cells = [tool, name ? code(name) : "without a code", number(count)]
    return make("tr", {}, ...cells.map((each) => make("td", {}, each)))
  }
  const heads = ["Tool", "Code", "Findings"].map((each) => make("th", { scope: "col" }, each))
  const head = make("thead", {}, make("tr", {}, ...heads))
  const body = make("tbody", {}, ...uncovered.map(row))
  return [
    make("h3", {}, "No rule covers these"),
    make("table", { class: "desk-others" }, head, body),
  ]
}
