/* Puts findings under the rules that cover them, and writes that as Markdown. Pure. */

const SPECIAL = /[\\`*_[\]<>~]/g // what Markdown would take for markup

/** Group findings: by rule; where a code has several rules, by those; the rest by code.

    `known` is desk.json: the rules in reading order, their ids by tool and code, and by ruff's
    names for its codes the codes. */
export function group(findings, { rules, codes, names }) {
  const order = new Map(rules.map(({ id }, n) => [id, n]))
  const groups = new Map()
  const uncovered = new Map()
  const folder = base([...new Set(findings.map(({ file }) => file))])
  for (const each of findings) {
    const code = (each.tool === "ruff" && own(names, each.code)) || each.code
    const ids = own(own(codes, each.tool) ?? {}, code)
    if (!ids) {
      const key = `${each.tool} ${code}`
      uncovered.set(key, uncovered.get(key) ?? { tool: each.tool, code, count: 0 })
      uncovered.get(key).count += 1
      continue
    }
    const key = ids.join(" ")
    if (!groups.has(key)) {
      groups.set(key, { key, rules: ids.map((id) => rules[order.get(id)]), findings: [] })
    }
    groups.get(key).findings.push({ ...each, code, file: below(folder, each.file) })
  }
  for (const each of groups.values()) each.findings.sort(byPlace)
  const first = (each) => order.get(each.rules[0].id)
  return {
    folder,
    groups: [...groups.values()].sort(
      (a, b) => a.rules.length - b.rules.length || first(a) - first(b),
    ),
    uncovered: [...uncovered.values()].sort((a, b) => b.count - a.count),
  }
}

const own = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined)

function byPlace(a, b) {
  if (a.file === b.file) return a.line - b.line
  return a.file < b.file ? -1 : 1
}

/** Find the folder that files named from the root of a machine are in: the one from which others
    are named, or else the one that they share. */
function base(files) {
  const isWhole = (file) => /^(?:\/|[A-Za-z]:[\\/])/.test(file)
  const whole = files.filter(isWhole)
  if (whole.length === 0) return ""
  for (const file of files.filter((each) => !isWhole(each))) {
    const same = whole.find((each) => /[\\/]$/.test(before(each, file)))
    if (same) return before(same, file)
  }
  let shared = whole[0]
  for (const file of whole) while (!file.startsWith(shared)) shared = shared.slice(0, -1)
  return shared.slice(0, Math.max(shared.lastIndexOf("/"), shared.lastIndexOf("\\")) + 1)
}

const before = (whole, end) => (whole.endsWith(end) ? whole.slice(0, -end.length) : "")
const below = (folder, file) => (file.startsWith(folder) ? file.slice(folder.length) : file)

/** Write findings for a review. `site` is the address of the site; `chosen` gives, by a group's
    key, the one of its rules that is meant, where the reader has said so. */
export function markdown({ groups, uncovered }, site, chosen = new Map()) {
  const parts = groups.map(({ key, rules, findings }) => {
    const meant = rules.filter(({ id }) => !chosen.get(key) || chosen.get(key) === id)
    const links = meant.map((rule) => `[${label(rule)}](${new URL(rule.address, site)})`)
    const codes = [...new Set(findings.map((each) => verbatim(each.code)))].join(", ")
    const several = `**${codes}: one of these**\n\n${bullets(links)}\n\nfound at:`
    const head = links.length === 1 ? `**${links[0]}**` : several
    return `${head}\n\n${bullets(findings.map(line))}`
  })
  if (uncovered.length) {
    const total = uncovered.reduce((sum, { count }) => sum + count, 0)
    const counts = uncovered.map((each) => `${each.count} ${each.tool} ${named(each.code)}`)
    parts.push(`${findings(total)} that no rule covers: ${counts.join(", ")}`)
  }
  return `${parts.join("\n\n")}\n`
}

/** Write a number of findings. */
export function findings(count) {
  return `${count.toLocaleString("en")} finding${count === 1 ? "" : "s"}`
}

/** Write where a finding is. */
export function place({ file, line }) {
  return line ? `${file}:${line}` : file
}

const bullets = (items) => items.map((each) => `- ${each}`).join("\n")
const named = (code) => (code ? verbatim(code) : "without a code")
const line = (each) =>
  `${verbatim(place(each))} ${each.tool} ${named(each.code)}: ${verbatim(each.message)}`

function label({ id, title }) {
  return `${id}: ${title.replaceAll("`", "")}`.replace(SPECIAL, "\\$&")
}

/** Quote a tool's words, so that nothing in them is markup or calls a person by name. */
function verbatim(text) {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = "`".repeat(longest + 1)
  const space = /^`|`$/.test(text) ? " " : ""
  return fence + space + text + space + fence
}
