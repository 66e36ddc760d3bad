// Runs snippets under Node by the very scripts that run them in a browser:
// run.mjs PYTHON.JS SESSION.PY FOLDER MODULES.JSON
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"

const [script, session, folder, modules] = process.argv.slice(2)
const { load } = await import(pathToFileURL(resolve(script)))
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`))
const facts = JSON.parse(readFileSync(`${folder}/run.json`, "utf8"))
let python
const start = async (options) => (python = await loadPyodide(options))
const run = await load(start, `${folder}/`, facts, readFileSync(session, "utf8"))
const version = python.runPython("import platform; platform.python_version()")
const results = {}
for (const each of JSON.parse(readFileSync(modules, "utf8"))) {
  let output = ""
  const result = await run(each, ({ text }) => (output += text ?? ""))
  results[each.name] = { ...result, output }
}
const told = `CPython ${version} in WebAssembly, by Pyodide ${python.version}`
console.log(JSON.stringify({ told, results }))
