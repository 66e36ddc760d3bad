/* Python by Pyodide: the same in the worker of a page and in the test of all snippets. */

/**
 * Load Python.
 * @param loadPyodide Pyodide's own function.
 * @param folder Where its files are; ends with a slash.
 * @param facts What run.json says.
 * @param session The text of session.py.
 * @returns A function that runs a module, {name, source, usage}. It sends {began}, then each
 *   {text} of the output, and returns what came of it.
 */
export async function load(loadPyodide, folder, facts, session) {
  const python = await loadPyodide({
    indexURL: folder,
    lockFileContents: facts.lock,
    packageBaseUrl: folder,
  })
  const names = python.globals.get("dict")()
  names.set("__name__", "session")
  names.set("__file__", "session.py")
  python.runPython(session, { globals: names, filename: "session.py" })
  names.get("prepare")()
  const run = names.get("run")
  return async ({ name, source, usage }, send) => {
    const wrong = []
    await python.loadPackagesFromImports(`${source}\n${usage}`, {
      messageCallback() {},
      errorCallback: (what) => wrong.push(what),
    })
    if (wrong.length) throw new Error(wrong.join(" "))
    send({ began: true })
    return JSON.parse(run(name, source, usage, (text) => send({ text })))
  }
}
