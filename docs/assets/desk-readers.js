/* Reads what ruff, mypy and pyright print. Pure: a text in, its findings out.

   A finding is {tool, code, file, line, message}. Its code is "" where the tool names none, its
   line 0 where it names none. What was not understood is {at, what}: the place and the text. */

const COLOUR = /\x1b(?:\[[0-9;]*[A-Za-z]|\([A-Z0-9])/g
const LOGGED = /^\d{4}-\d\d-\d\dT[\d:.]+Z |^##\[(?:error|warning)\]/ // before a line of a CI's log
const BEFORE = /^(?:(?:\$ |warning: ).*\n|\s*\n)+/ // a command, and what it said first

/** Read a tool's report in any of its formats. */
export function read(text) {
  const lines = text.replace(/^\ufeff/, "").replace(COLOUR, "").replace(/\r\n?/g, "\n")
  const plain = lines.replace(BEFORE, (some) => some.replace(/.+/g, "")) // lines keep their numbers
  return /^\s*(?:\{|\[\s*(?:[{\]]|$))/.test(plain) ? readJson(plain) : readLines(plain)
}

// JSON

function readJson(text) {
  const findings = []
  const unread = []
  const take = (found, at, what) => {
    if (found === undefined) unread.push({ at, what: JSON.stringify(what).slice(0, 200) })
    else if (found) findings.push(found)
  }
  let all
  try {
    all = JSON.parse(text)
  } catch {
    if (parsed(text.trimStart().split("\n", 1)[0])) return readJsonLines(text)
    return { findings, unread: [broken(text)] }
  }
  if (Array.isArray(all)) {
    for (const [n, each] of all.entries()) take(ofRuff(each) ?? ofMypy(each), `Item ${n + 1}`, each)
  } else if (Array.isArray(all.generalDiagnostics)) {
    for (const [n, each] of all.generalDiagnostics.entries()) {
      take(ofPyright(each), `generalDiagnostics, item ${n + 1}`, each)
    }
  } else if (Array.isArray(all.runs)) {
    for (const [r, run] of all.runs.entries()) {
      const tool = String(run?.tool?.driver?.name ?? "").toLowerCase()
      for (const [n, each] of (run?.results ?? []).entries()) {
        take(ofSarif(tool, each), `Run ${r + 1}, result ${n + 1}`, each)
      }
    }
  } else take(ofRuff(all) ?? ofMypy(all), "The whole", all)
  return { findings, unread }
}

function readJsonLines(text) {
  const findings = []
  const unread = []
  for (const [n, line] of text.split("\n").entries()) {
    if (isNotice(line)) continue
    const each = parsed(line)
    const found = ofRuff(each) ?? ofMypy(each)
    if (found) findings.push(found)
    else if (found === undefined) unread.push({ at: `Line ${n + 1}`, what: line.slice(0, 200) })
  }
  return { findings, unread }
}

function parsed(line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Say on which line JSON breaks off: not every engine does. */
function broken(text) {
  const at = breaks(text)
  const lines = text.slice(0, at).split("\n").length
  const rest = text.slice(at).trimEnd()
  const ends = /^(?:"[^"\n]*|[\w.+-]*)$/.test(rest)
  const last = text.split("\n")[lines - 1].trim().slice(0, 200)
  const what = ends ? "the JSON ends before it is complete" : "this is not JSON"
  return { at: `Line ${lines}`, what: `${what}: ${last}` }
}

const TOKEN =
  /\s*(?:([[{])|([\]}])|(,)|(:)|("(?:[^"\\\x00-\x1f]|\\.)*"|-?\d[\d.eE+-]*|true|false|null))/y

/** Find the end of what is JSON so far. */
function breaks(text) {
  const open = []
  let wants = "value" // or a key, a colon, the next item; with "?" also the end of none
  let at = 0
  for (TOKEN.lastIndex = 0; ; at = TOKEN.lastIndex) {
    const [, opens, closes, comma, colon, scalar] = TOKEN.exec(text) ?? []
    if (opens && wants.startsWith("value")) {
      open.push(opens)
      wants = opens === "{" ? "key?" : "value?"
    } else if (closes && /next|\?/.test(wants) && /\{\}|\[\]/.test(open.at(-1) + closes)) {
      open.pop()
      wants = "next"
    } else if (comma && wants === "next" && open.length) {
      wants = open.at(-1) === "{" ? "key" : "value"
    } else if (colon && wants === "colon") wants = "value"
    else if (scalar && wants.startsWith("value")) wants = "next"
    else if (scalar?.startsWith('"') && wants.startsWith("key")) wants = "colon"
    else break
  }
  const space = /\s*/y
  space.lastIndex = at
  space.exec(text)
  return text.slice(space.lastIndex) ? space.lastIndex : at
}

// one finding each: undefined if it is none of the tool's, null if it is only a note

function ofRuff(each) {
  const { filename, location, code, name, cell, message } = each ?? {}
  if (typeof filename !== "string" || !Number.isInteger(location?.row)) return undefined
  const file = cell ? `${filename}:cell ${cell}` : filename
  return made("ruff", code ?? name ?? "invalid-syntax", file, location.row, message)
}

function ofMypy(each) {
  const { file, line, code, severity, message } = each ?? {}
  if (typeof file !== "string" || !Number.isInteger(line) || !severity) return undefined
  return severity === "note" ? null : made("mypy", code, file, line, message)
}

function ofPyright(each) {
  const { file, range, rule, severity, message } = each ?? {}
  if (typeof file !== "string" || !severity) return undefined
  if (severity === "information") return null
  return made("pyright", rule, file, (range?.start?.line ?? -1) + 1, message)
}

function ofSarif(tool, each) {
  const place = each?.locations?.[0]?.physicalLocation
  const file = place?.artifactLocation?.uri
  if (!tool || typeof file !== "string") return undefined
  return made(tool, each.ruleId, path(file), place.region?.startLine ?? 0, each.message?.text)
}

function path(uri) {
  const bare = uri.replace(/^file:\/\//, "").replace(/^\/(?=[A-Za-z]:)/, "")
  try {
    return decodeURIComponent(bare)
  } catch {
    return bare
  }
}

function made(tool, code, file, line, message) {
  const first = String(message ?? "").trim().split("\n", 1)[0]
  return { tool, code: String(code ?? ""), file, line: Math.max(line, 0), message: first }
}

// Text. Each reader looks at one line and on: [what it found, the line after], or undefined.

function readLines(text) {
  const lines = text.split("\n").map((line) => line.replace(LOGGED, "").trimEnd())
  const findings = []
  const unread = []
  for (let at = 0; at < lines.length; ) {
    const [found, next] = FORMATS.reduce((done, each) => done ?? each(lines, at), undefined) ?? []
    if (found) findings.push(found)
    if (!next) unread.push({ at: `Line ${at + 1}`, what: lines[at].trim().slice(0, 200) })
    at = next ?? at + 1
  }
  return { findings, unread }
}

const NOTICES = [
  /^$/,
  /^\$ /,
  /^warning: /,
  /^All checks passed!$/,
  /^Found \d+ errors?\b/,
  /^\[\*\] \d+ /,
  /^(?:No fixes available|\d+ hidden fix)/,
  /^Success: no issues found/,
  /^.+?: note: /,
  /^\d+ errors?, \d+ warnings?, \d+ informations?$/,
]
const isNotice = (line) => NOTICES.some((each) => each.test(line.trimEnd()))

/** `::error title=ruff (F401),file=…,line=…::file:1:8: F401 message` */
function annotation(lines, at) {
  const match = /^::(?:error|warning|notice) (.*?)::(.*)$/.exec(lines[at])
  if (!match) return undefined
  const told = Object.fromEntries(match[1].split(",").map((each) => each.split(/=(.*)/s)))
  const title = /^(\w+) \((.*)\)$/.exec(unescaped(told.title ?? ""))
  if (!title || !told.file) return undefined
  const [, tool, code] = title
  const said = unescaped(match[2]).split("\n", 1)[0]
  const inner = concise([said], 0)?.[0].message ?? said
  const [file, line] = [unescaped(told.file), Number(told.line ?? 0)]
  return [made(tool.toLowerCase(), code, file, line, inner), at + 1]
}

function unescaped(text) {
  return text.replace(/%(25|0D|0A|3A|2C)/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
}

const ARROW = /^ *--> (.+):(\d+):\d+$/
const HEADER = /^(?:([A-Z]+\d+)|([a-z][a-z0-9-]*):) (?:\[\*\] )?(.*)$/

/** A header, an arrow to the place, then code up to an empty line. */
function full(lines, at) {
  const place = ARROW.exec(lines[at + 1] ?? "")
  const header = place && HEADER.exec(lines[at])
  if (!header) return undefined
  let next = at + 2
  while (lines[next] && !ARROW.test(lines[next + 1] ?? "")) next += 1
  const [, code, name, message] = header
  return [made("ruff", code ?? name, place[1], Number(place[2]), message), next]
}

const PLACE = /^(.+?):(\d+):\d+: (?!(?:error|warning|note): )(.*)$/

/** `file:5:40: B006 message`, or with the rule's name for its code */
function concise(lines, at) {
  const place = PLACE.exec(lines[at])
  const header = place && HEADER.exec(place[3].replace(/^SyntaxError:/, "invalid-syntax:"))
  if (!header) return undefined
  const [, code, name, message] = header
  return [made("ruff", code ?? name, place[1], Number(place[2]), message), at + 1]
}

const MYPY = /^(.+?):(\d+)(?::\d+){0,3}: (error|note):(?: (.*))?$/
const CODE = /^(.*?) +\[([a-z][a-z0-9-]*)\]$/

/** `file:5: error: message  [code]`, by `--pretty` on several lines, with the code below */
function mypy(lines, at) {
  const match = MYPY.exec(lines[at])
  if (!match) return undefined
  const [, file, line, severity, said = ""] = match
  let [next, message] = [at + 1, said]
  if (severity === "error" && !CODE.test(said)) {
    while (!CODE.test(message) && isRest(lines[next])) message += ` ${lines[next++]}`
    // a foreign line is not taken for its end: it ends by its code, or above its source
    const ended = CODE.test(message) || /^ {4}/.test(lines[next] ?? "")
    if (!ended) [next, message] = [at + 1, said]
  }
  while (/^ {4}/.test(lines[next] ?? "") && !PYRIGHT.test(lines[next])) next += 1
  if (severity === "note") return [null, next]
  const [, told, code] = CODE.exec(message) ?? [null, message, ""]
  return [made("mypy", code, file, Number(line), told), next]
}

const PYRIGHT = /^\s*(.+?):(\d+):\d+ - (error|warning|information): (.*)$/
const RULE = /^(.*?)\s*\((report\w+)\)$/s

function isRest(line = "") {
  return /^(?:\S| \[)/.test(line) && !MYPY.test(line) && !isNotice(line)
}

/** `  file:5:40 - error: message (reportX)`, or with the rule at the end of indented lines */
function pyright(lines, at) {
  const match = PYRIGHT.exec(lines[at])
  if (!match) {
    const heads = lines[at] && lines[at + 1]?.startsWith(`  ${lines[at]}:`)
    return heads ? [null, at + 1] : undefined
  }
  let [next, said] = [at + 1, match[4]]
  const goesOn = (line = "") => /^\s{4}/.test(line) && !PYRIGHT.test(line)
  while (goesOn(lines[next])) said += `\n${lines[next++]}`
  if (match[3] === "information") return [null, next]
  const [, message, code] = RULE.exec(said) ?? [null, said, ""]
  return [made("pyright", code, match[1], Number(match[2]), message), next]
}

/** What tells of no finding; and the code below one, which older versions of ruff show. */
function nothing(lines, at) {
  const frame = /^\s*(?:\d+\s*)?\||^\s*= help: /
  return isNotice(lines[at]) || frame.test(lines[at]) ? [null, at + 1] : undefined
}

const FORMATS = [annotation, full, concise, mypy, pyright, nothing]
