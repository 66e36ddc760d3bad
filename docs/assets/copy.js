/* Copies code exactly as it was proven, and links to it as Markdown for a review. */
import { onKey, say } from "./proven.js"

const SPECIAL = /[\\`*_[\]<>~]/g // what Markdown would take for markup in a title
const here = document.querySelector("link[rel=canonical]")?.href ?? location.origin + location.pathname
const rule = document.querySelector("ul.rule[data-rule]")?.dataset.rule
const headings = [...document.querySelectorAll("article :is(h1, h2, h3, h4, h5)[id]")]

/** The words of a heading, without the mark that links to it. */
export function words(heading) {
  const kept = [...heading.childNodes].filter((node) => !node.classList?.contains("headerlink"))
  return kept.map((node) => node.textContent).join("").trim()
}

/** The heading under which an element stands. */
export function sectionOf(element) {
  const above = Node.DOCUMENT_POSITION_FOLLOWING
  return headings.findLast((each) => each.compareDocumentPosition(element) & above)
}

const toast = document.createElement("p")
toast.className = "toast"
toast.setAttribute("aria-hidden", "true") // it is said as well
document.body.append(toast)
let fading

/** Show a short message, and say it. */
export function tell(what) {
  say(what)
  toast.textContent = what
  toast.classList.add("shown")
  clearTimeout(fading)
  fading = setTimeout(() => toast.classList.remove("shown"), 2500)
}

/** Copy a text, and confirm it to the eye and to the ear. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    return tell("Not copied: the browser doesn't allow it here")
  }
  tell(`Copied ${what}`)
}

/** Copy a Markdown link to this page, to one of its sections, or to lines of a block. */
export function copyLink(section, { query = "", place = "" } = {}) {
  const title = headings[0] ? words(headings[0]) : document.title
  const inside = section && section !== headings[0] ? section : undefined
  const where = [inside && words(inside), place].filter(Boolean).join(", ")
  const label = `${rule ? `${rule}: ` : ""}${title}${where ? ` (${where})` : ""}`
  const address = here + query + (inside ? `#${inside.id}` : "")
  const named = where || rule || title
  return copy(`[${label.replace(SPECIAL, "\\$&")}](${address})`, `a link to ${named}`)
}

/** The pieces of a block: each one's code, and the line on which it begins. */
export function pieces(bar) {
  const starts = bar.dataset.starts.split(" ").map(Number)
  const block = bar.nextElementSibling
  return [...block.querySelectorAll("pre > code")].map((code, at) => ({
    code,
    first: starts[at],
    lines: code.textContent.replace(/\n$/, "").split("\n"),
  }))
}

/** All of a block's text: its pieces, and the empty lines between them. */
function textOf(bar) {
  const text = Array(Number(bar.dataset.count)).fill("")
  for (const { first, lines } of pieces(bar)) text.splice(first - 1, lines.length, ...lines)
  return `${text.join("\n")}\n`
}

/** A button; its label is what is seen, its name says more. */
export function button(label, name, act) {
  const made = document.createElement("button")
  made.type = "button"
  made.className = "copy"
  made.textContent = label
  made.setAttribute("aria-label", name)
  made.addEventListener("click", act)
  return made
}

const bars = [...document.querySelectorAll(".bar")]
for (const bar of bars) {
  const file = bar.querySelector("a").textContent
  bar.append(
    button("Copy", `Copy ${file}`, () => copy(textOf(bar), file)),
    button("Copy with link", `Copy with link ${file}`, () =>
      copy(`# ${rule ?? words(headings[0])}: ${here}\n${textOf(bar)}`, `${file} with its link`),
    ),
  )
}
const headed = bars.map((bar) => bar.nextElementSibling)
for (const code of document.querySelectorAll("div.highlight pre > code")) {
  if (code.closest(".avoid, .types") || headed.some((block) => block.contains(code))) continue
  const copied = button("Copy", "Copy this block", () => copy(code.textContent, "the block"))
  copied.classList.add("over")
  code.closest("div.highlight").append(copied)
}

// the mark beside each heading leads there, and copies its link
for (const mark of document.querySelectorAll("article a.headerlink")) {
  const heading = mark.parentElement
  mark.title = "Copy a Markdown link"
  mark.setAttribute("aria-label", `Copy link to ${words(heading)}`)
  mark.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    copyLink(heading)
  })
}
onKey("y", () => copyLink())
