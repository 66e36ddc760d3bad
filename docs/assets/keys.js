/* Lists all keys in a dialog, where they can be turned off as well. */
const KEYS = [
  ["/", "Search"],
  ["y", "Copy a Markdown link to this rule or page"],
  ["l", "Copy a Markdown link to the chosen lines"],
  ["?", "List these keys"],
  ["Esc", "Close what is open"],
]
const IN_LINES = [
  ["↑ ↓", "Choose a line"],
  ["Shift ↑ ↓", "Choose several"],
  ["Enter", "Copy a Markdown link to them"],
]

function list(title, keys) {
  const heading = document.createElement("h2")
  heading.textContent = title
  const listed = document.createElement("dl")
  for (const [key, what] of keys) {
    const pair = document.createElement("div")
    const term = document.createElement("dt")
    const kbd = document.createElement("kbd")
    kbd.textContent = key
    term.append(kbd)
    const meaning = document.createElement("dd")
    meaning.textContent = what
    pair.append(term, meaning)
    listed.append(pair)
  }
  return [heading, listed]
}

const dialog = document.createElement("dialog")
dialog.className = "keys md-typeset"
dialog.setAttribute("aria-label", "Keys")
const label = document.createElement("label")
const on = document.createElement("input")
on.type = "checkbox"
label.append(on, " Keys of one character are on")
on.addEventListener("change", () => {
  try {
    localStorage.setItem("keys", on.checked ? "on" : "off")
  } catch {} // nothing may be stored: they stay as they are
})
const form = document.createElement("form")
form.method = "dialog"
const close = document.createElement("button")
close.className = "copy"
close.textContent = "Close"
form.append(close)
dialog.append(...list("Anywhere", KEYS), ...list("In the line numbers of a snippet", IN_LINES))
dialog.append(label, form)
document.body.append(dialog)

/** Show the list. */
export function open() {
  try {
    on.checked = localStorage.getItem("keys") !== "off"
  } catch {
    on.checked = true
  }
  dialog.showModal()
}
