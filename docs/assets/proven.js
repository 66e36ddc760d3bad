/* What the page does besides being read. Nothing of it is needed to read. */

// light or dark: what the system says, until the reader says otherwise
const root = document.documentElement
const scheme = document.getElementById("scheme")
scheme.disabled = false
scheme.addEventListener("click", () => {
  const dark = getComputedStyle(root).colorScheme === "dark" || (
    root.dataset.scheme === "" && matchMedia("(prefers-color-scheme: dark)").matches
  )
  root.dataset.scheme = dark ? "light" : "dark"
  try {
    localStorage.setItem("scheme", root.dataset.scheme)
  } catch {} // the choice holds for this page, where nothing may be stored
})

// keys of one character, which a reader can turn off
function keysAreOn() {
  try {
    return localStorage.getItem("keys") !== "off"
  } catch {
    return true
  }
}

/** Do something when a key is pressed outside of any field. */
export function onKey(wanted, act) {
  document.addEventListener("keydown", (event) => {
    const elsewhere = event.target.closest("input, textarea, select, dialog, [contenteditable]")
    if (event.key !== wanted || elsewhere || event.ctrlKey || event.metaKey || event.altKey) return
    if (!keysAreOn()) return
    event.preventDefault()
    act()
  })
}

// the menu of a narrow page
const menu = document.getElementById("menu")
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") menu.checked = false
})

// the page that is open, in sight in a list of chapters that scrolls
const open = document.querySelector(".md-nav--primary [aria-current]")
const chapters = open?.closest(".md-sidebar")
if (chapters) chapters.scrollTop = open.offsetTop - chapters.clientHeight / 2

// the search is loaded when it is first used
const query = document.getElementById("search")
const load = () => import("./search.js").catch(() => {})
query.addEventListener("focus", load, { once: true })
onKey("/", () => query.focus())

// code that scrolls sideways can be scrolled by keyboard
const scrolling = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0
    else target.removeAttribute("tabindex")
  }
})
for (const code of document.querySelectorAll("pre > code")) scrolling.observe(code)

// what was done is said aloud
const status = document.createElement("p")
status.className = "spoken"
status.setAttribute("role", "status")
document.body.append(status)

/** Say what was done, to those who can't see it. */
export function say(what) {
  status.textContent = what
}

// the table of all rules can be filtered
if (document.querySelector("table.rules")) import("./rules.js")

// an address that is not there: what was probably meant
if (document.getElementById("nearest")) import("./nearest.js")

// the desk reads what a tool printed
if (document.getElementById("desk")) import("./desk.js")

// code and links are copied, lines linked to, keys listed
import("./copy.js")
if (document.querySelector(".bar")) import("./lines.js")
const listKeys = () => import("./keys.js").then(({ open }) => open())
onKey("?", listKeys)
const keys = document.createElement("button")
keys.type = "button"
keys.className = "keys"
keys.textContent = "Keys"
keys.addEventListener("click", listKeys)
document.querySelector(".md-copyright")?.append(keys)

// a snippet that a browser can run has a button; Python is loaded when it is pressed
for (const panel of document.querySelectorAll("div.run")) {
  const button = document.createElement("button")
  button.type = "button"
  button.textContent = "Run"
  const state = document.createElement("span")
  state.className = "state"
  state.textContent = "in your browser: loads 6 to 8 MB once"
  button.addEventListener("click", async () => {
    const { run } = await import("./run.js")
    run(panel)
  })
  panel.append(button, state)
}
