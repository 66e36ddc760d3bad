/* Starts the theme's search worker when the search is first used, not with every page. */
const StartedAtOnce = window.Worker
window.Worker = class extends EventTarget {
  #waiting = []
  #worker

  constructor(address) {
    super()
    const start = ({ target }) => {
      if (!target.matches?.("[data-md-component=search-query]")) return
      document.removeEventListener("focusin", start)
      this.#worker = new StartedAtOnce(address)
      this.#worker.onmessage = ({ data }) =>
        this.dispatchEvent(new MessageEvent("message", { data }))
      for (const message of this.#waiting) this.#worker.postMessage(message)
    }
    document.addEventListener("focusin", start)
  }

  postMessage(message) {
    if (this.#worker) this.#worker.postMessage(message)
    else this.#waiting.push(message)
  }
}
