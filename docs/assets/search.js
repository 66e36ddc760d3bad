/* The search: loaded, with its index, when the reader first turns to it. */
import MiniSearch from "./vendor/minisearch-7.2.0.js"
import { say } from "./proven.js"

const MOST = 8 // results
const input = document.getElementById("search")
export const base = new URL(input.dataset.base.replace(/\/?$/, "/"), location)
const load = async (name) => (await fetch(new URL(name, base))).json()
const pages = await load("search.json")
const plain = (text) => text.toLowerCase().replace(/\s+/g, " ").trim()

const options = {
  idField: "address",
  searchOptions: {
    boost: { rule: 6, title: 5, codes: 6, names: 3, lead: 2 },
    combineWith: "AND",
    fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    prefix: true,
  },
}
const fields = ["rule", "title", "codes", "names", "lead"]
const storeFields = ["rule", "title", "lead"]
const exact = new Map(
  pages.map(({ address, codes, names }) => [address, plain(`${codes} ${names}`).split(" ")]),
)
const named = new MiniSearch({ ...options, fields, storeFields })
named.addAll(pages)
const told = new MiniSearch({ ...options, fields: [...fields, "words"], storeFields })
let whole = false // all words are there
load("search-words.json").then(async (words) => {
  const filled = pages.map((page) => ({ ...page, words: words[page.address] }))
  await told.addAllAsync(filled, { chunkSize: 5 })
  whole = true
  // what is chosen stays, what was closed is not opened
  const waiting = !list.hidden || list.children.length === 0
  if (waiting && chosen < 0 && document.activeElement === input) show()
})

/** Find pages: first the one whose id, title, code or identifier is what was asked for. */
export function find(query) {
  const asked = plain(query)
  const boostDocument = (address, _, page) => {
    if (plain(page.title) === asked || page.rule === asked) return 100
    return exact.get(address).includes(asked) ? 50 : 1
  }
  const found = named.search(query, { boostDocument })
  const known = new Set(found.map(({ id }) => id))
  const more = told.search(query).filter(({ id }) => !known.has(id))
  return [...found, ...more].slice(0, MOST)
}

const list = document.createElement("ul")
list.id = "found"
list.hidden = true
list.setAttribute("role", "listbox")
list.setAttribute("aria-label", "Pages found")
input.after(list)
input.setAttribute("role", "combobox")
input.setAttribute("aria-autocomplete", "list")
input.setAttribute("aria-controls", list.id)
let chosen = -1

function show() {
  const found = input.value.trim() ? find(input.value) : []
  list.replaceChildren(...found.map(option))
  list.hidden = found.length === 0
  choose(-1)
  if (found.length) say(`${found.length} pages found`)
  else if (input.value.trim() && whole) say("No pages found")
}

function option({ id: address, rule, title, lead }, at) {
  const item = document.createElement("li")
  item.id = `found-${at}`
  item.setAttribute("role", "option")
  item.dataset.address = new URL(address, base)
  const name = document.createElement("b")
  name.textContent = title
  item.append(name, rule ? ` ${rule} ` : " ", document.createElement("br"), lead)
  item.addEventListener("mousedown", (event) => event.preventDefault())
  item.addEventListener("click", () => (location.href = item.dataset.address))
  return item
}

function choose(at) {
  chosen = at
  for (const [n, item] of [...list.children].entries()) {
    item.setAttribute("aria-selected", String(n === at))
  }
  input.setAttribute("aria-expanded", String(!list.hidden))
  if (at < 0) input.removeAttribute("aria-activedescendant")
  else input.setAttribute("aria-activedescendant", list.children[at].id)
  list.children[at]?.scrollIntoView({ block: "nearest" })
}

input.addEventListener("input", show)
input.addEventListener("focus", show)
input.addEventListener("blur", () => {
  list.hidden = true
  choose(-1)
})
input.addEventListener("keydown", (event) => {
  const count = list.hidden ? 0 : list.children.length
  if (event.key === "Escape") {
    if (count === 0) return
    list.hidden = true
    choose(-1)
  } else if (event.key === "ArrowDown" && count) choose((chosen + 1) % count)
  else if (event.key === "ArrowUp" && count) choose((chosen + count) % (count + 1) - 1)
  else if (event.key === "Enter" && count) {
    location.href = list.children[Math.max(chosen, 0)].dataset.address
  } else return
  event.preventDefault()
})
show()
