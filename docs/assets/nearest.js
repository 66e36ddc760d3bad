/* Where there is no page: those whose address is most like the one that was asked for. */
import { base, find } from "./search.js"

const words = decodeURIComponent(location.pathname).match(/[\p{L}\d]+/gu) ?? []
// first what all words lead to, then what the last ones do: a chapter may be wrong as well
const tries = [words, words.slice(-2), words.slice(-1)].map((some) => some.join(" "))
const found = tries.map((query) => (query ? find(query) : [])).find((some) => some.length) ?? []
if (found.length) {
  const said = document.createElement("p")
  said.textContent = found.length > 1 ? "Perhaps you meant one of these:" : "Perhaps you meant this:"
  const list = document.createElement("ul")
  for (const { id: address, title } of found.slice(0, 3)) {
    const link = document.createElement("a")
    link.href = new URL(address, base)
    link.textContent = title
    const item = document.createElement("li")
    item.append(link)
    list.append(item)
  }
  document.getElementById("nearest").append(said, list)
}
