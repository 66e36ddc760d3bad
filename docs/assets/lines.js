/* Links to lines of a snippet: ?avoid=7-9#avoid, where #avoid needs no script. A block is
   named by what it is, so that its links hold when another one comes before it. */
import { button, copyLink, pieces, sectionOf, tell, words } from "./copy.js"
import { onKey, say } from "./proven.js"

const SHORT = /^#([\w.-]+):(\d+)(?:-(\d+))?$/ // as typed: #avoid:7-9
const RANGE = /^(\d+)(?:-(\d+))?$/
const blocks = new Map()
let chosen // the block with chosen lines

class Block {
  constructor(bar) {
    this.name = bar.dataset.name
    this.count = Number(bar.dataset.count)
    this.section = sectionOf(bar)
    this.options = new Map() // by line
    this.pieces = pieces(bar).map((piece) => ({ ...piece, numbers: this.number(piece) }))
    this.list = this.pieces[0].numbers
    this.list.tabIndex = 0
    this.list.setAttribute("role", "listbox")
    this.list.setAttribute("aria-multiselectable", "true")
    this.list.setAttribute("aria-label", `Lines of ${bar.querySelector("a").textContent}`)
    const owned = [...this.options.values()].map(({ id }) => id)
    this.list.setAttribute("aria-owns", owned.join(" "))
    this.list.addEventListener("keydown", (event) => this.key(event))
    this.list.addEventListener("focus", () => this.mark(this.at ?? this.lines[0]))
    this.list.addEventListener("blur", () => this.mark())
    this.link = button("", "", () => this.copy())
    this.link.hidden = true
    bar.querySelector("button").before(this.link)
  }

  /** Set the numbers beside the lines of a piece. */
  number({ code, first, lines }) {
    const numbers = document.createElement("div")
    numbers.className = "numbers"
    lines.forEach((text, at) => {
      const line = first + at
      const option = document.createElement("span")
      option.id = `line-${this.name}-${line}`
      option.setAttribute("role", "option")
      option.setAttribute("aria-selected", "false")
      option.setAttribute("aria-label", `${line} ${text.trim()}`)
      option.textContent = line
      option.addEventListener("click", ({ shiftKey }) => {
        this.list.focus({ preventScroll: true })
        this.choose(line, shiftKey)
      })
      this.options.set(line, option)
      numbers.append(option)
    })
    code.closest(".highlight").prepend(numbers)
    return numbers
  }

  get lines() {
    return [...this.options.keys()]
  }

  get range() {
    return this.first === this.last ? `${this.first}` : `${this.first}-${this.last}`
  }

  get place() {
    return this.first === this.last ? `line ${this.first}` : `lines ${this.range}`
  }

  /** Choose a line, or all from the one before to this. */
  choose(line, further = false) {
    this.from = further ? (this.from ?? line) : line
    this.at = line
    this.show(Math.min(this.from, line), Math.max(this.from, line))
    const address = `${location.pathname}?${this.name}=${this.range}#${this.section?.id ?? ""}`
    history.replaceState(null, "", address)
    say(`${this.place} chosen: Enter or l copies the link`)
  }

  /** Offer the link to some lines. */
  offer(first, last) {
    if (chosen !== this) chosen?.clear()
    chosen = this
    Object.assign(this, { first, last })
    this.link.textContent = `Link to ${this.range}`
    this.link.setAttribute("aria-label", `Link to ${this.range}, copied as Markdown`)
    this.link.hidden = false
  }

  /** Highlight some lines. */
  show(first, last) {
    this.offer(first, last)
    for (const [line, option] of this.options) {
      option.setAttribute("aria-selected", String(first <= line && line <= last))
    }
    for (const piece of this.pieces) {
      const from = Math.max(first - piece.first, 0)
      const to = Math.min(last - piece.first + 1, piece.lines.length)
      piece.code.classList.toggle("lit", from < to)
      piece.code.style.setProperty("--from", from)
      piece.code.style.setProperty("--lit", to - from)
    }
    if (document.activeElement === this.list) this.mark(this.at)
  }

  clear() {
    this.show(0, 0)
    this.link.hidden = true
    this.from = this.at = chosen = undefined
  }

  /** Mark the line that the keys move from. */
  mark(line) {
    for (const option of this.options.values()) option.classList.remove("at")
    const option = this.options.get(line)
    this.list.setAttribute("aria-activedescendant", option?.id ?? "")
    option?.classList.add("at")
  }

  key(event) {
    const { lines } = this
    const at = lines.indexOf(this.at)
    const moves = {
      ArrowDown: Math.min(at + 1, lines.length - 1),
      ArrowUp: Math.max(at - 1, 0),
      End: lines.length - 1,
      Home: 0,
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key in moves) this.choose(lines[moves[event.key]], event.shiftKey)
    else if (event.key === " ") this.choose(this.at ?? lines[0])
    else if (event.key === "Enter") this.copy()
    else if (event.key === "Escape" && chosen === this) {
      this.clear()
      history.replaceState(null, "", `${location.pathname}#${this.section?.id ?? ""}`)
    } else return
    event.preventDefault()
    this.options.get(this.at)?.scrollIntoView({ block: "nearest" })
  }

  copy() {
    if (this.link.hidden) this.choose(this.at ?? this.lines[0])
    return copyLink(this.section, { query: `?${this.name}=${this.range}`, place: this.place })
  }
}

for (const bar of document.querySelectorAll(".bar")) {
  if (!blocks.has(bar.dataset.name)) blocks.set(bar.dataset.name, new Block(bar))
}

/** Which lines the address asks for: the block's name, the first and the last. */
function wanted() {
  const typed = SHORT.exec(location.hash)
  if (typed) return typed.slice(1)
  for (const [name, value] of new URLSearchParams(location.search)) {
    const lines = RANGE.exec(value)
    if (lines && blocks.has(name)) return [name, ...lines.slice(1)]
  }
}

/** Unfold all that an element stands in, and the element itself; give it where it was folded. */
function unfold(element) {
  const folded = element?.closest("details")
  for (let each = folded; each; each = each.parentElement.closest("details")) each.open = true
  return folded && element
}

/** Go to the lines that the address asks for. */
async function go() {
  const [name, first, last = first] = wanted() ?? []
  const block = blocks.get(name)
  if (!block) return unfold(document.getElementById(location.hash.slice(1)))?.scrollIntoView()
  const [from, to] = [Number(first), Number(last)].sort((a, b) => a - b)
  if (from < 1 || to > block.count) {
    block.section?.scrollIntoView()
    return tell(`There is no line ${to}: ${words(block.section)} has ${block.count} lines`)
  }
  Object.assign(block, { from, at: to })
  block.show(from, to)
  const option = block.lines.findLast((line) => line <= from) ?? block.lines[0]
  const place = block.options.get(option)
  unfold(place)
  await document.fonts.ready // the text above may still move
  place.scrollIntoView({ block: "center" })
  say(`${block.place} of ${words(block.section)}`)
}

// lines whose text is selected can be linked to as well
document.addEventListener("selectionchange", () => {
  const selection = getSelection()
  if (selection.isCollapsed) return
  const range = selection.getRangeAt(0)
  for (const block of blocks.values()) {
    const lines = block.pieces.flatMap(({ code, first }) => {
      if (!range.intersectsNode(code)) return []
      const from = code.contains(range.startContainer) ? lineIn(code, range.startContainer, range.startOffset) : 0
      const to = code.contains(range.endContainer)
        ? lineIn(code, range.endContainer, range.endOffset)
        : code.textContent.trimEnd().split("\n").length - 1
      return [first + from, first + to]
    })
    if (lines.length) return block.offer(Math.min(...lines), Math.max(...lines))
  }
})

/** How many lines of some code are above a point in it. */
function lineIn(code, node, offset) {
  const before = document.createRange()
  before.setStart(code, 0)
  before.setEnd(node, offset)
  return before.toString().split("\n").length - 1
}

onKey("l", () => (chosen ? chosen.copy() : tell("Choose lines first: click a number beside the code")))
addEventListener("hashchange", go)
go()
