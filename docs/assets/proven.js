/* A button on each block of code that copies exactly the block's text. */
for (const code of document.querySelectorAll("div.highlight pre > code")) {
  if (code.closest(".avoid, .types")) continue
  const button = document.createElement("button")
  button.type = "button"
  button.className = "copy"
  button.textContent = "Copy"
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent)
    button.textContent = "Copied"
    status.textContent = "Copied to the clipboard"
    setTimeout(() => {
      button.textContent = "Copy"
      status.textContent = ""
    }, 2000)
  })
  code.closest("div.highlight").append(button)
}
const status = document.createElement("p")
status.className = "spoken"
status.setAttribute("role", "status")
document.querySelector("article")?.append(status)
