/* Runs Python apart from the page, which stays free meanwhile and can end it. */
import { load } from "./python.js"

const folder = new URL("pyodide/", import.meta.url).href
let started

/** Count what is fetched, so that the page can show how far it is. */
function counting(note) {
  const get = self.fetch
  let count = 0
  self.fetch = async (...asked) => {
    const answer = await get(...asked)
    if (!answer.ok || !/\.(wasm|zip)$/.test(answer.url)) return answer
    const counted = answer.body.pipeThrough(
      new TransformStream({
        transform(chunk, out) {
          note((count += chunk.length))
          out.enqueue(chunk)
        },
      }),
    )
    return new Response(counted, { headers: answer.headers })
  }
}

async function start() {
  const file = async (name) => {
    const answer = await fetch(folder + name)
    if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`)
    return answer
  }
  const facts = await (await file("run.json")).json()
  counting((count) => postMessage({ loaded: count / facts.bytes }))
  const session = await (await file("session.py")).text()
  const { loadPyodide } = await import(`${folder}pyodide.mjs`)
  const run = await load(loadPyodide, folder, facts, session)
  return { facts, run }
}

addEventListener("message", async ({ data }) => {
  try {
    const { facts, run } = await (started ??= start())
    const result = await run(data, (sent) => postMessage(sent))
    postMessage({ result, python: facts.python })
  } catch (error) {
    postMessage({ error: String(error) }) // upon which the page ends this worker
  }
})
