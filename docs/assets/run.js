/* Runs a rule's snippet in the reader's browser: loaded when a reader first asks for it. */
import { say } from "./proven.js"

const LIMIT = 30 // seconds of running, after which it is stopped
const panels = new WeakMap()
let worker

/** Run the snippet above a panel, or stop it. */
export function run(panel) {
  if (!panels.has(panel)) panels.set(panel, open(panel))
  panels.get(panel)()
}

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

function end() {
  worker?.terminate()
  worker = undefined
}

function summary({ examples, failed, raised }, usage, python) {
  const on = `on CPython ${python}`
  if (raised) return `Ended by an exception, ${on}.`
  if (usage.trim()) return `Ran to its end, ${on}.`
  if (examples === 0) return `Imported ${on}. It has no example: write below what to run.`
  if (failed) return `${failed} of ${examples} examples gave something else than the docstring says.`
  return `Each of ${examples} examples gave what the docstring says, ${on}.`
}

function open(panel) {
  const code = panel.previousElementSibling.querySelector("code")
  const proven = code.textContent
  const button = panel.querySelector("button")
  const state = panel.querySelector(".state")
  const progress = make("progress", { max: 1, hidden: true })
  progress.setAttribute("aria-label", "Loading Python")
  const module = make("textarea", { value: proven, spellcheck: false, wrap: "off" })
  module.setSelectionRange(0, 0)
  module.rows = Math.min(proven.split("\n").length, 30)
  const usage = make("textarea", { rows: 2, spellcheck: false })
  const editor = make("label", { hidden: true }, "The module", module)
  const restore = make("button", { type: "button", textContent: "Restore the proven code" })
  const edited = make("p", { className: "edited", hidden: true })
  edited.append("Edited: this is no longer the proven code. ", restore)
  const output = make("pre", { className: "output", tabIndex: 0 })
  output.setAttribute("role", "log")
  output.setAttribute("aria-label", "Output")
  const edit = make("button", { type: "button", textContent: "Edit" })
  edit.setAttribute("aria-expanded", "false")
  button.after(edit)
  const instead = make("label", {}, "Run this instead of the docstring's examples", usage)
  panel.append(progress, editor, edited, output, instead)

  let running = false
  let limit
  const tell = (what) => {
    state.textContent = what
    say(what)
  }
  const finish = (what) => {
    clearTimeout(limit)
    running = false
    button.textContent = "Run"
    progress.hidden = true
    panel.removeAttribute("aria-busy")
    tell(what)
  }
  const stop = (what) => {
    end()
    finish(what)
  }
  const hear = (asked) => ({ data }) => {
    if (data.loaded) {
      progress.value = data.loaded
      state.textContent = `Loading Python: ${Math.round(data.loaded * 100)} %`
    } else if (data.began) {
      progress.hidden = true
      tell("Running")
      limit = setTimeout(() => stop(`Stopped: it ran for ${LIMIT} seconds.`), LIMIT * 1000)
    } else if (data.text) {
      output.append(data.text)
      output.scrollTop = output.scrollHeight
    } else if (data.result) finish(summary(data.result, asked.usage, data.python))
    else stop(`Python could not be loaded. ${data.error}`)
  }
  const start = () => {
    const asked = { name: panel.dataset.module, source: module.value, usage: usage.value }
    running = true
    button.textContent = "Stop"
    output.replaceChildren()
    panel.setAttribute("aria-busy", "true")
    if (!worker) {
      progress.hidden = false
      progress.value = 0
      tell("Loading Python")
      worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" })
    }
    worker.onmessage = hear(asked)
    worker.onerror = ({ message }) => stop(`Python could not be loaded. ${message ?? ""}`)
    worker.postMessage(asked)
  }
  const toggle = () => (running ? stop("Stopped.") : start())

  const check = () => {
    edited.hidden = module.value === proven
  }
  module.addEventListener("input", check)
  restore.addEventListener("click", () => {
    module.value = proven
    check()
    say("The proven code is restored")
    module.focus()
  })
  edit.addEventListener("click", () => {
    editor.hidden = !editor.hidden
    edit.setAttribute("aria-expanded", String(!editor.hidden))
    if (!editor.hidden) module.focus()
  })
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    if (!running) start()
  })
  return toggle
}
