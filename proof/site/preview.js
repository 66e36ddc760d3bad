/* Tells the open page what became of its rule since the last save. Only in `make serve`. */
const rule = location.pathname.replace(/^\/|\/$/g, "")
const note = document.createElement("p")
note.className = "preview"
note.setAttribute("role", "status")
note.hidden = true
document.querySelector("article")?.prepend(note)

new EventSource("/-/events").addEventListener("message", ({ data }) => {
  const said = JSON.parse(data)
  if (said.reload) location.reload()
  if (said.rule !== rule && said.rule !== "") return
  note.hidden = said.state === "proven" && note.hidden
  note.dataset.state = said.state
  note.textContent = said.text
})
